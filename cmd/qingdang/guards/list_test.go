package guards

// What two lines guard together is not here, since either alone keeps the promise and no test can miss one of them: so the
// buffer of a release, for which the timer looks twice.
const lite, maria = "sqlite", "mysql"

var guards = []guard{
	// I1: four eyes.
	{"own request", "I1", "models/approval/cast.go", "case by.ID == a.RequesterID || by.PersonID == a.RequesterPerson:", "case false:", "models/approval", "NobodyApprovesWhatTheyMayNot", lite},
	{"a natural person", "I1", "models/approval/cast.go", "case !by.Natural():", "case false:", "models/approval", "NobodyApprovesWhatTheyMayNot", lite},
	{"a person's second vote", "I1", "models/approval/cast.go", "if v.PersonID == by.PersonID || v.UserID == by.ID {", "if v.PersonID == by.PersonID && false {", "models/approval", "HistoriesOfVotesAreThoseOfOneClerk", lite},
	{"the role of the stage", "I1", "models/approval/cast.go", "case !admits(a.Next(), by.Role):", "case false:", "models/approval", "NobodyApprovesWhatTheyMayNot", lite},
	{"a vote's deadline", "I1", "models/approval/cast.go", "case !now.Before(a.ExpiresAt):", "case false:", "models/approval", "NobodyApprovesWhatTheyMayNot", lite},
	{"the root that was seen", "I1", "models/approval/cast.go", "case !bytes.Equal(b.SeenRoot[:], a.Root):", "case false && bytes.Equal(b.SeenRoot[:], a.Root):", "models/approval", "NobodyApprovesWhatTheyMayNot", lite},
	{"a vote at a time", "I1", "models/approval/cast.go", "a, err := lock(tx, b.Approval)", "a, err := take(tx.DB, b.Approval)", "models/approval", "HistoriesOfVotesAreThoseOfOneClerk", maria},
	{"a vote's MAC", "I1", "models/approval/recheck.go", "case subtle.ConstantTimeCompare(v.MAC, a.seal(k, &v)) != 1:", "case false:", "models/approval", "AConsentIsLookedAtAgain|AVoteInsertedIntoTheDatabaseDoesNotCount", lite},
	{"a vote's expiry", "I1", "models/approval/recheck.go", "case !now.Before(v.ExpiresAt):", "case false:", "models/approval", "AConsentIsLookedAtAgain", lite},
	{"an approver who left", "I1", "models/approval/recheck.go", "case !ok:", "case !ok && false:", "models/approval", "AConsentIsLookedAtAgain", lite},
	{"a consent that was closed", "I1", "models/approval/recheck.go", "case a.State != Approved:", "case false:", "models/approval", "AConsentIsLookedAtAgain", lite},
	{"different people", "I1", "models/approval/recheck.go", "case v.PersonID == 0 || people[v.PersonID]:", "case false:", "models/approval", "OnePersonsVotesUnderGenuineCodesDoNotStand", lite},
	{"the chooser does not approve", "I1", "models/purge/vote.go", "case chose:", "case chose && false:", "models/purge", "WhoChoseTheListDoesNotApproveIt", lite},
	{"the chooser does not confirm", "I1", "models/purge/confirm.go", "case chose:", "case chose && false:", "models/purge", "WhoChoseTheListDoesNotConfirmIt", lite},
	{"a releaser does not approve", "I1", "models/purge/held.go", "if released {", "if released && false {", "models/purge", "WhoReleasedAHoldDoesNotApproveThePurge", lite},
	{"a request's MAC", "I1", "models/purge/run.go", "if subtle.ConstantTimeCompare(r.MAC, r.seal(d.Keys)) != 1 {", "if false {", "models/purge", "AConsentThatNoLongerStandsStopsEverything", lite},
	{"a batch's MAC", "I1", "models/purge/vote.go", "if err := bin.Genuine(k, batches...); err != nil {", "if err := bin.Genuine(k); err != nil {", "models/purge", "ABatchChangedPastTheProgramIsNotPurged", lite},
	{"a raised cap's MAC", "I1", "models/bin/cap.go", "if len(rows) == 0 || !rows[0].genuine(k) {", "if len(rows) == 0 {", "models/bin", "EveryFieldOfARaisedCapIsUnderItsCode", lite},
	{"the second code", "I1", "models/purge/run.go", "if r.ConfirmedAt == nil || subtle.ConstantTimeCompare(r.ConfirmedMAC, r.sealConfirmation(d.Keys)) != 1 {", "if false {", "models/purge", "TheWholeOrganisationIsNotPurgedByARow", lite},
	{"the tail of the second code", "I1", "models/purge/confirm.go", "if !strings.EqualFold(strings.TrimSpace(tail), root[len(root)-tailOfRoot:]) {", "if false && strings.EqualFold(strings.TrimSpace(tail), root[len(root)-tailOfRoot:]) {", "models/purge", "TheWholeOrganisationNeedsLegalOnceMore", lite},
	{"one code, one act", "I1", "models/account/danger.go", `"id = ? AND totp_last_step < ?", u.ID, step`, `"id = ? AND totp_last_step <> -1 - ?", u.ID, step`, "models/account", "OneCodeOneAct|OneCodeOneLogin", lite},
	{"a role that was not confirmed", "I1", "models/account/standing.go", "case u.unconfirmed():\n\t\treturn fault.Forbidden(\"account.vote_unconfirmed\", u.StaffNo)", "case false:\n\t\treturn fault.Forbidden(\"account.vote_unconfirmed\", u.StaffNo)", "models/account", "ANewApproverNeedsASecondAdministratorAndADay", lite},
	{"the second administrator", "I1", "models/account/confirm.go", "err != nil || involved {", "err != nil || involved && false {", "models/account", "ANewApproverNeedsASecondAdministratorAndADay", lite},
	{"the incident that was looked at", "I1", "models/purge/vote.go", "if r.Emergency() && b.Verdict == approval.Approve && !b.IncidentChecked {", "if false {", "models/purge", "AnEmergencyWaitsForNothingButPeople", lite},

	{"who confirmed", "I1", "models/purge/run.go", "if other, err := r.confirmedByAnother(tx, votes); err != nil || !other {", "if other, err := r.confirmedByAnother(tx, votes); err != nil && !other {", "models/purge", "WhoConfirmedIsLookedAtAgain", lite},

	// I2: exactness.
	{"the list that was agreed to", "I2", "models/purge/run.go", "if list.size != r.Size || string(list.root[:]) != string(r.Root) {", "if false {", "models/purge", "AConsentThatNoLongerStandsStopsEverything", lite},
	{"the conversation's version", "I2", "models/purge/look.go", "case !l.whole(it, row):", "case false:", "models/purge", "WhatChangedSinceTheListWasFrozenIsSkipped", lite},
	{"the version bump", "I2", "models/conversation/reseal.go", "\told.Version++\n", "", "models/conversation", "StoreIsIdempotentAndAddsOnlyWhatIsNew", lite},
	{"restored meanwhile", "I2", "models/purge/look.go", "case row.State != conversation.Frozen && row.State != conversation.Purging, row.BatchID == nil, *row.BatchID != it.BatchID:", "case row.BatchID == nil && row.State == 99:", "models/purge", "WhatChangedSinceTheListWasFrozenIsSkipped", lite},

	// I3: a hold wins.
	{"hold on the way to erasure", "I3", "models/purge/look.go", "case held:", "case held && false:", "models/purge", "AHoldInTheMiddleOfAPurgeKeepsTheRest|AHoldWinsAgainstEveryStageBeforeAPurge", lite},
	{"hold on the way to the bin", "I3", "models/bin/move.go", "case held:", "case held && false:", "models/bin", "DiscardOne|WhatChangedBeforeTheJobCameIsSkippedWithItsReason", lite},
	{"epoch of an erasure", "I3", "models/purge/erase.go", "if err := hold.ShareEpoch(tx); err != nil {", "if err := func(func(*db.Tx) error) error { return nil }(hold.ShareEpoch); err != nil {", "models/purge", "AnErasureWaitsForAHoldThatIsBeingPlaced", ""},
	{"epoch of a discard", "I3", "models/bin/single.go", "if err := hold.ShareEpoch(tx); err != nil {", "if err := func(func(*db.Tx) error) error { return nil }(hold.ShareEpoch); err != nil {", "models/bin", "WhatBinsWaitsForAHoldThatIsBeingPlaced", ""},
	{"a release's MAC", "I3", "models/hold/end.go", "if !h.genuine(r) || !r.sound() {", "if false {", "models/hold", "ARowIsNoConsent", ""},
	{"a release's root", "I3", "models/hold/end.go", "case of.ReleasedAt != nil || string(root) != string(r.Root):", "case len(root) == 0:", "models/hold", "CustomersBelongToWhatIsReleased", lite},
	{"the root of what is released", "I3", "models/hold/mac.go", "append(parts, customers...)...", "parts...", "models/hold", "CustomersBelongToWhatIsReleased", lite},

	// I4: an act and its entry are one.
	{"poison", "I4", "models/db/guard.go", "if g.failed != nil {\n\t\treturn ErrPoisoned", "if false {\n\t\treturn ErrPoisoned", "models/db", "FirstErrorPoisonsTheTransaction", lite},
	{"no change without an entry", "I4", "models/db/tx.go", "case gd.changed != \"\" && !gd.audited:", "case false:", "models/db", "ProtectedChangeNeedsALeaf", lite},

	// I7: exports.
	{"an export's MAC", "I7", "models/export/fetch.go", "case !genuine(d.Vault.Store, e):", "case false:", "models/export", "AForgedRowGivesNothingOut", lite},
	{"an export's owner", "I7", "models/export/fetch.go", "if by.ID != e.OwnerID || by.PersonID != e.OwnerPerson {", "if false {", "models/export", "TheFileIsRefusedAtTheDoor", lite},
	{"an export's end", "I7", "models/export/fetch.go", "case !tx.Now.Before(*e.ExpiresAt):", "case false:", "models/export", "NobodyFetchesAfterItsTime", lite},
	{"a department lost since", "I7", "models/export/fetch.go", "case foreign > 0:", "case foreign < 0:", "models/export", "TheFileIsRefusedAtTheDoor", lite},

	// I8, I9: sealed, and erased means erased.
	{"AAD of a body", "I8", "models/seal/seal.go", "b = binary.BigEndian.AppendUint64(b, a.Record)\n\tb = binary.BigEndian.AppendUint32(b, a.Version)\n\treturn binary.BigEndian.AppendUint64(b, a.Department)", "return binary.BigEndian.AppendUint64(b, 0)", "models/seal", "BodyBelongsToOneRecordOnly", ""},
	{"AAD of a wrapped key", "I8", "models/seal/bucket.go", "binary.BigEndian.PutUint64(aad[n+8:], record)", "binary.BigEndian.PutUint64(aad[n+8:], 0)", "models/seal", "GoldenBytes|BodyBelongsToOneRecordOnly", ""},
	{"a destroyed key in memory", "I9", "models/seal/buckets.go", "\t\t\ts.forget(id)\n", "", "models/seal", "DestroyedKeyDoesNotStayInMemory|DestroyedNeverOpens", ""},
	{"no key before the ledger", "I9", "models/purge/keys.go", "case len(open) > 0 || !recorded:", "case len(open) > 0 || !recorded && false:", "models/purge", "NoKeyIsDestroyedBeforeTheLedgerHasIt", lite},

	// I10, I11: the bin's window and the floors.
	{"the bin's window", "I10", "models/purge/vote.go", "\treturn later(own, keep)\n", "\treturn own\n", "models/purge", "NothingRunsBeforeItsTime|NothingIsPurgedASecondBeforeItsTime", lite},
	{"one extension", "I10", "models/bin/extend.go", "case out.ExtendedAt != nil:", "case false:", "models/bin", "Extend", lite},
	{"the end of the window", "I10", "models/bin/restore.go", "case expired && r.by.May(account.BinRestore) && !r.by.May(account.BinRestoreExpired), expired && r.whole:", "case false:", "models/bin", "TheEndOfTheWindow", ""},
	{"floor on the way to erasure", "I11", "models/purge/look.go", "case g.floors.Within(c.ServiceType, c.LastAt, tx.Now):", "case false:", "models/purge", "WhatIsProtectedStaysOffTheListAndIsTold|WhatChangedSinceTheListWasFrozenIsSkipped", lite},
	{"floor on the way to the bin", "I11", "models/bin/move.go", "case policy.Within(c.ServiceType, c.LastAt, now):", "case false:", "models/bin", "DiscardOne", lite},
	{"an open order", "I11", "models/purge/look.go", "case c.OrderState == conversation.OrderOpen:", "case false:", "models/purge", "WhatIsProtectedStaysOffTheListAndIsTold|WhatChangedSinceTheListWasFrozenIsSkipped", lite},
	{"the longest floor", "I11", "models/retention/retention.go", "return !ok || until.After(now)", "return ok && until.After(now)", "models/retention", "CountingAndDoingDecideAlike|TheEdgeOfAFloor", ""},

	// I12: default deny.
	{"scope of reading", "I12", "models/conversation/open.go", "if by.Scope.Has(row.DepartmentID) {", "if true {", "models/conversation", "OpenTellsAbsentAndForbiddenAlike", lite},
	{"scope of a discard", "I12", "models/bin/single.go", "if !by.Scope.Has(row.DepartmentID) {", "if false {", "models/bin", "DiscardOne", lite},
	{"scope of a purge", "I12", "models/bin/blocks.go", "return foreign == 0, nil", "return true, nil", "models/purge", "WhoSeesWhat|ReachingForAHiddenBatchIsWrittenDown|Requesting", lite},
	{"an access's MAC", "I12", "models/access/mac.go", "if !genuine(d.Vault.Store, g, list) || !g.sound() {", "if false {", "models/access", "FsckTellsOfForgedGrants", ""},
	{"a route's permission", "I12", "web/gate.go", "if r.Permission != Public && r.Permission != SignedIn {", "if false {", "web", "WhoReachesWhat", ""},
	{"a route that is not listed", "I12", "web/gate.go", "if r.Permission != Public && Actor(c).ID == 0 {", "if false {", "web", "WhoReachesWhat", ""},
	{"CSRF token", "I12", "web/token.go", "if !hmac.Equal([]byte(sent), []byte(FormToken(c))) {", "if false && !hmac.Equal([]byte(sent), nil) {", "web", "UnsafeRequestsNeedTheToken", ""},
	{"cross-site requests", "I12", "web/request.go", "if err := a.origins.Check(c.Request()); err != nil {", "if err := a.origins.Check(c.Request()); err != nil && false {", "web", "UnsafeRequestsNeedTheToken", ""},
	{"an old path's department", "I12", "models/intake/run.go", "if ok && r.by.Scope.Has(d.ID) {", "if ok {", "models/reorg", "AnImportUnderAnOldPathGoesWhereTheDepartmentIsNow", lite},
	{"an old path that is taken", "I12", "models/intake/run.go", "d, ok := r.tree.ByPath(c.DepartmentPath)", "d, ok := r.tree.ByFormerPath(c.DepartmentPath)", "models/reorg", "AnImportUnderAnOldPathGoesWhereTheDepartmentIsNow", lite},
	{"who moves departments", "I12", "models/reorg/reorg.go", "func may(by account.Actor) error {\n", "func may(by account.Actor) error {\n\tif by.ID == 0 || by.ID > 0 {\n\t\treturn nil\n\t}\n", "models/reorg", "BothPermissionsAreNeededToMove|WhoMayMoveAndWhatIsRefused", lite},

	// I13: once.
	{"fencing token", "I13", "models/job/step.go", `"id = ? AND token = ? AND state = ?", j.ID, j.Token, Running`, `"id = ? AND token <> ? AND state = ?", j.ID, -1, Running`, "models/job", "ALeaseThatRunsOutUnderAWorkerFencesItOut", lite},
	{"claim", "I13", "models/job/claim.go", `"id = ? AND version = ? AND state = ?", j.ID, j.Version, j.State`, `"id = ? AND state <> ? AND state <> ?", j.ID, "-", "--"`, "models/job", "FourWorkersDoEachJobOnce|ALeaseThatRunsOutUnderAWorkerFencesItOut", maria},

	// I14: blast radius.
	{"the number that was shown", "I14", "models/purge/request.go", "if ask.Shown != 0 && ask.Shown != int64(len(list.items)) {", "if false {", "models/purge", "ARequestTakesWhatWasShownOrNothing", lite},
	{"the list that was shown", "I14", "models/bin/discard.go", "if d.FrozenAt == nil || req.Shown != hex.EncodeToString(d.Fingerprint) {", "if d.FrozenAt == nil {", "models/bin", "WhatIsNotWhollyAskedForIsRefused|DiscardMovesExactlyWhatWasShown", lite},
	{"the list as it is now", "I14", "models/bin/discard.go", "if err := compare(tx, r, policy, *d.FrozenAt, list); err != nil {", "if err := compare(tx, r, policy, *d.FrozenAt, list); err != nil && false {", "models/bin", "AListThatChangedMovesNothingAndSaysHow", ""},
	{"the cap", "I14", "models/bin/cap.go", "case r == nil || d.Frozen > r.Size:", "case false:", "models/bin", "AboveTheCapASecondPersonRaisesItForThisDraft", lite},
	{"an agent's quota", "I14", "models/bin/quota.go", "if n > AgentQuota {", "if n > 100*AgentQuota {", "models/bin", "AnAgentBinsTenTimesAMonth", lite},
	{"the first two days", "I14", "models/bin/quota.go", "!demo && tx.Now.Before(at) {\n\t\treturn fault.Forbidden(", "!demo && tx.Now.Before(at) && false {\n\t\treturn fault.Forbidden(", "models/bin", "AnAccountBatchDeletesFromItsThirdDayOn", lite},
	{"the whole organisation", "I14", "models/bin/whole.go", "if b.ScopeKind == ScopeOrganisation {", "if false {", "models/bin", "OneBatchOfTheWholeOrganisationIsAlwaysThat", lite},
	{"where the batches' conversations lie", "I14", "models/bin/whole.go", "if err := takenBy(tx, batches, taken); err != nil {", "if err := takenBy(tx, nil, taken); err != nil {", "models/bin", "OneBatchOfTheWholeOrganisationIsAlwaysThat", lite},
	{"the effect that was shown of a move", "I14", "models/reorg/reorg.go", `if o.Seen != "" && o.Seen != e.Fingerprint {`, "if false {", "models/reorg", "AMoveIsWhatWasShown", ""},

	// I15: nothing comes back.
	{"tombstone", "I15", "models/conversation/store.go", "if bytes.Equal(macs[i], s.ExternalMAC) {", "if false && bytes.Equal(macs[i], s.ExternalMAC) {", "models/purge", "APurgedConversationIsNotImportedAgain", lite},
	{"a restored database stays closed", "I15", "models/purge/standing.go", "return s.Forked || s.Begun || known < len(s.Entries)", "return known < 0", "models/purge", "ARestoredDatabaseStaysClosedUntilTheLedgerWasReplayed", lite},

	// I16: time.
	{"cooling-off", "I16", "models/purge/run.go", "case tx.Now.Before(at):", "case tx.Now.Before(at) && false:", "models/purge", "TheCoolingOffIsWaitedForToTheSecond|NothingRunsBeforeItsTime", lite},
	{"a cooling-off made shorter", "I16", "models/purge/run.go", "if r.CoolingUntil.Before(last.At.Add(r.cooling())) || r.LegalAtOnce", "if r.LegalAtOnce", "models/purge", "AConsentThatNoLongerStandsStopsEverything", lite},
	{"a wrong clock", "I16", "models/audit/clock.go", `if why := g.judge(tx.Now, row, head, shortest); why != "" {`, `if why := g.judge(tx.Now, row, head, shortest); why != "" && false {`, "models/audit", "AClockThatIsWrongIsNotTrusted", ""},
}
