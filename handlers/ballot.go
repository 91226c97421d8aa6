package handlers

import "qingdang/models/fault"

// ballotForm is what a second person's answer sends: the root of what the page showed, and the code that
// an approval needs.
type ballotForm struct {
	Verdict string `form:"verdict"`
	Opinion string `form:"opinion"`
	Root    string `form:"root"`
	Code    string `form:"code"`
}

// cast does what the verdict says. The fault is invalid where it says nothing.
func (f *ballotForm) cast(approve, reject func() error) error {
	switch f.Verdict {
	case "approve":
		return approve()
	case "reject":
		return reject()
	}
	return fault.Invalid("approval.verdict_missing")
}
