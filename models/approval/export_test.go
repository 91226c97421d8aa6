package approval

// Seal gives tests the code over a vote: that of a program that forgot to look who voted.
func (a *Approval) Seal(k Keys, v *Vote) []byte { return a.seal(k, v) }
