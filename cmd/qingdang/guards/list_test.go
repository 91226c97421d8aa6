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
	{"a request's MAC", "I1", "models/purge/run.go", "case !genuine:", "case !genuine && false:", "models/purge", "AConsentThatNoLongerStandsStopsEverything|WhereTheListCameFromIsLookedAtBeforeItRuns|ARequestChangedWhileItRunsStopsAndIsNotCertified", lite},
	{"a request's MAC at a vote", "I1", "models/purge/vote.go", "if err := d.sound(tx, r); err != nil {", "if err := d.sound(tx, r); err != nil && false {", "models/purge", "NobodyAgreesToARequestOfOtherBatches", lite},
	{"a request's MAC at the second code", "I1", "models/purge/confirm.go", "if err := d.sound(tx, r); err != nil {", "if err := d.sound(tx, r); err != nil && false {", "models/purge", "LegalDoesNotConfirmARequestOfOtherBatches", lite},
	{"a request's MAC at its certificate", "I1", "models/purge/verify.go", "if err := w.Desk.sound(tx, r); err != nil {", "if err := w.Desk.sound(tx, r); err != nil && false {", "models/purge", "ARequestChangedWhileItRunsStopsAndIsNotCertified", lite},
	{"the origin of a list", "I1", "models/purge/mac.go", "append(parts, o.parts()...)...)", "parts...)", "models/purge", "EveryFieldOfARequestIsUnderItsCode", lite},
	{"an old request's batches", "I1", "models/purge/mac.go", "return o.asTold(tx, r.Code)", "return true, nil", "models/purge", "AnOldRequestIsHeldAgainstTheLog", lite},
	{"a batch that is still moved", "I10", "models/bin/mac.go", "append(b.said(), seal.Flag(b.State == Running))...)", "b.said()...)", "models/bin", "EveryFieldOfABatchIsUnderItsCode", lite},
	{"a batch's MAC", "I1", "models/purge/vote.go", "if err := bin.Genuine(k, batches...); err != nil {", "if err := bin.Genuine(k); err != nil {", "models/purge", "ABatchChangedPastTheProgramIsNotPurged", lite},
	{"a raised cap's MAC", "I1", "models/bin/cap.go", "if len(rows) == 0 || !rows[0].genuine(k) {", "if len(rows) == 0 {", "models/bin", "EveryFieldOfARaisedCapIsUnderItsCode", lite},
	{"the second code", "I1", "models/purge/run.go", "if r.ConfirmedAt == nil || !r.confirmed(d.Keys) {", "if false {", "models/purge", "TheWholeOrganisationIsNotPurgedByARow", lite},
	{"the tail of the second code", "I1", "models/purge/confirm.go", "if !strings.EqualFold(strings.TrimSpace(tail), root[len(root)-tailOfRoot:]) {", "if false && strings.EqualFold(strings.TrimSpace(tail), root[len(root)-tailOfRoot:]) {", "models/purge", "TheWholeOrganisationNeedsLegalOnceMore", lite},
	{"one code, one act", "I1", "models/account/danger.go", `"id = ? AND totp_last_step < ?", u.ID, step`, `"id = ? AND totp_last_step <> -1 - ?", u.ID, step`, "models/account", "OneCodeOneAct|OneCodeOneLogin", lite},
	{"a role that was not confirmed", "I1", "models/account/standing.go", "case u.unconfirmed():\n\t\treturn fault.Forbidden(\"account.vote_unconfirmed\", u.StaffNo)", "case false:\n\t\treturn fault.Forbidden(\"account.vote_unconfirmed\", u.StaffNo)", "models/account", "ANewApproverNeedsASecondAdministratorAndADay", lite},
	{"a role that nobody gave", "I1", "models/account/standing.go", "return u.mustBeGiven(tx)", "return nil", "models/account", "ARoleThatNobodyGaveDoesNotVote", lite},
	{"a vote by a role that nobody gave", "I1", "models/account/standing.go", "if given, err := u.given(tx); err != nil || !given {", "if given, err := u.given(tx); err != nil || !given && false {", "models/account", "ARoleThatNobodyGaveDoesNotVote", lite},
	{"departments that nobody gave", "I1", "models/account/said.go", "if given, err := u.scopeGiven(tx); err != nil {", "if given, err := true, error(nil); err != nil {", "models/account", "DepartmentsThatNobodyGaveDoNotVote", lite},
	{"a vote by departments that nobody gave", "I1", "models/account/standing.go", "return u.scopeGiven(tx)", "return true, nil", "models/account", "DepartmentsThatNobodyGaveDoNotVote", lite},
	{"the second administrator", "I1", "models/account/confirm.go", "err != nil || involved {", "err != nil || involved && false {", "models/account", "ANewApproverNeedsASecondAdministratorAndADay", lite},
	{"the incident that was looked at", "I1", "models/purge/vote.go", "if r.Emergency() && b.Verdict == approval.Approve && !b.IncidentChecked {", "if false {", "models/purge", "AnEmergencyWaitsForNothingButPeople", lite},

	{"who confirmed", "I1", "models/purge/run.go", "if other, err := r.confirmedByAnother(tx, votes); err != nil || !other {", "if other, err := r.confirmedByAnother(tx, votes); err != nil && !other {", "models/purge", "WhoConfirmedIsLookedAtAgain", lite},

	// I2: exactness.
	{"the list that was agreed to", "I2", "models/purge/run.go", "if list.size != r.Size || string(list.root[:]) != string(r.Root) {", "if false {", "models/purge", "AConsentThatNoLongerStandsStopsEverything", lite},
	{"the list before its keys go", "I2", "models/purge/ledger_phase.go", "if root := sums.list.Root(); sums.list.Size() != r.Size || string(root[:]) != string(r.Root) || sums.spared(noted) > 0 {", "if root := sums.list.Root(); len(root) == 0 {", "models/purge", "NoKeyIsDestroyedForAListThatWasChanged", ""},
	{"the conversation's version", "I2", "models/purge/look.go", "case !l.whole(it, row):", "case false:", "models/purge", "WhatChangedSinceTheListWasFrozenIsSkipped", lite},
	{"the version bump", "I2", "models/conversation/reseal.go", "\told.Version++\n", "", "models/conversation", "StoreIsIdempotentAndAddsOnlyWhatIsNew", lite},
	{"restored meanwhile", "I2", "models/purge/look.go", "case row.State != conversation.Frozen && row.State != conversation.Purging, row.BatchID == nil, *row.BatchID != it.BatchID:", "case row.BatchID == nil && row.State == 99:", "models/purge", "WhatChangedSinceTheListWasFrozenIsSkipped", lite},
	{"a whole chunk's versions", "I2", "models/purge/look.go", `"conversation.version = l.version AND conversation.department_id`, `"conversation.department_id`, "models/purge", "OneChangeAloneIsNoticed", lite},
	{"a whole chunk's bodies", "I2", "models/purge/look.go", `"b.digest = l.digest AND k.bucket_id`, `"k.bucket_id`, "models/purge", "OneChangeAloneIsNoticed", lite},
	{"a whole chunk's states and batches", "I2", "models/purge/look.go", `"conversation.state IN ? AND conversation.batch_id = l.batch_id"`, `"conversation.state IN ?"`, "models/purge", "OneChangeAloneIsNoticed", lite},

	// I3: a hold wins.
	{"a hold that a row ended", "I3", "models/purge/run.go", "if list.freed {", "if list.freed && false {", "models/purge", "AConsentThatNoLongerStandsStopsEverything", lite},
	{"hold on the way to erasure", "I3", "models/purge/look.go", "case held:", "case held && false:", "models/purge", "AHoldInTheMiddleOfAPurgeKeepsTheRest|AHoldWinsAgainstEveryStageBeforeAPurge", lite},
	{"a whole chunk's holds", "I3", "models/purge/look.go", "return len(held) == 0, err", "return len(held) >= 0, err", "models/purge", "OneChangeAloneIsNoticed", lite},
	{"hold on the way to the bin", "I3", "models/bin/move.go", "case held:", "case held && false:", "models/bin", "DiscardOne|WhatChangedBeforeTheJobCameIsSkippedWithItsReason", lite},
	{"epoch of an erasure", "I3", "models/purge/erase.go", "if err := hold.ShareEpoch(tx); err != nil {", "if err := func(func(*db.Tx) error) error { return nil }(hold.ShareEpoch); err != nil {", "models/purge", "AnErasureWaitsForAHoldThatIsBeingPlaced", ""},
	{"epoch of a discard", "I3", "models/bin/single.go", "if err := hold.ShareEpoch(tx); err != nil {", "if err := func(func(*db.Tx) error) error { return nil }(hold.ShareEpoch); err != nil {", "models/bin", "WhatBinsWaitsForAHoldThatIsBeingPlaced", ""},
	{"a release's MAC", "I3", "models/hold/end.go", "if !h.genuine(r) || !r.sound() {", "if false {", "models/hold", "ARowIsNoConsent", ""},
	{"a release's root", "I3", "models/hold/end.go", "case of.ReleasedAt != nil || string(root) != string(r.Root):", "case len(root) == 0:", "models/hold", "CustomersBelongToWhatIsReleased", lite},
	{"the root of what is released", "I3", "models/hold/mac.go", "append(parts, customers...)...", "parts...", "models/hold", "CustomersBelongToWhatIsReleased", lite},
	{"a hold that lost what it covered", "I3", "models/purge/held.go", "if err != nil || len(stripped) > 0 {", "if err != nil {", "models/purge", "AConsentThatNoLongerStandsStopsEverything", lite},
	{"an item of a hold that was exchanged", "I3", "models/hold/stripped.go", "return now.first+now.later != now.all ||", "return", "models/hold", "WhatAHoldCoversCannotBeExchanged", lite},
	{"an item taken off a hold behind later ones", "I3", "models/hold/stripped.go", "|| p.ItemCount > now.first && !replayed", "|| p.ItemCount > now.all && !replayed", "models/hold", "WhatAHoldCoversCannotBeExchanged", lite},
	{"a request in a restored database", "I15", "cmd/qingdang/ledger.go", "if !s.Closed() && !requests.Closed() {", "if !s.Closed() {", "cmd/qingdang", "ADeletionRequestOutlivesARestore", lite},
	{"a request is remembered at once", "I15", "models/subject/place.go", "r.remembered(ctx)\n\treturn placed, nil", "return placed, nil", "models/subject", "ARequestComesBackAfterARestore", lite},
	{"the number of a request that came back", "I15", "models/subject/replay.go", "if err := db.SerialPast(tx, \"DSR\", \"\", n); err != nil {", "if err := error(nil); err != nil {", "models/subject", "ARequestComesBackAfterARestore", lite},
	{"somebody else's conversation under an old number", "I15", "models/subject/replay.go", "return !slices.Equal(c.CustomerMAC, k.Request.CustomerMAC)", "return false", "models/subject", "ARequestOfWhichNothingIsLeftComesBackDone", lite},
	{"a changed file of a request", "I15", "models/subject/outside.go", "if err != nil || json.Unmarshal(plain, &k) != nil || k.Request.Code != code {", "if json.Unmarshal(plain, &k) != nil && false {", "models/subject", "TheFilesOfRequests", lite},
	{"holds before keys go", "I3", "models/purge/ledger_phase.go", "freed, err := w.Desk.freed(tx, p); err != nil || freed {", "freed, err := w.Desk.freed(tx, p); err != nil || freed && false {", "models/purge", "NoKeyIsDestroyedForAListThatWasChanged", ""},

	// I4: an act and its entry are one.
	{"poison", "I4", "models/db/guard.go", "if g.failed != nil {\n\t\treturn ErrPoisoned", "if false {\n\t\treturn ErrPoisoned", "models/db", "FirstErrorPoisonsTheTransaction", lite},
	{"no change without an entry", "I4", "models/db/tx.go", "case gd.changed != \"\" && !gd.audited:", "case false:", "models/db", "ProtectedChangeNeedsALeaf", lite},

	// I6: what is outside. A witness gets each checkpoint once, and nothing of it holds anything up or tells its secrets.
	{"the next checkpoint of a witness", "I6", "models/audit/witness.go", `return tx.Where("size > ?", before.Size).Order(order)`, `return tx.Where("size >= ?", before.Size).Order(order)`, "models/audit", "AWitnessGetsEachCheckpointOnce", lite},
	{"a checkpoint of somebody else", "I6", "models/audit/witness.go", "if err == nil && c.Size != next[0].Size {", "if err == nil && c.Size != next[0].Size && false {", "models/audit", "AWitnessIsNotLiedTo", lite},
	{"a witness that is away", "I6", "models/audit/witness.go", "tx.Now.Sub(from) > witnessPatience", "tx.Now.Sub(from) < 0", "models/audit", "AWitnessThatIsAwayIsTold", lite},
	{"a witness that nobody tried", "I6", "models/audit/witness.go", "return oldest[0].CreatedAt, nil", "return time.Time{}, nil", "models/audit", "AWitnessThatNobodyTriedIsTold", lite},
	{"a redirected checkpoint", "I6", "cmd/qingdang/witness.go", "CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },", "CheckRedirect: nil,", "cmd/qingdang", "CheckpointsArePosted", lite},
	{"the witness's address in an error", "I6", "cmd/qingdang/witness.go", "err = of.Err", "_ = of.Err", "cmd/qingdang", "AWitnessThatDoesNotTakeItIsToldWhy", lite},
	{"a password in the witness's address", "I6", "cmd/qingdang/witness.go", "case u.User != nil:", "case u.User != nil && false:", "cmd/qingdang", "AnAddressForCheckpointsIsOne", lite},
	{"a witness in the clear", "I6", "cmd/qingdang/witness.go", `case u.Scheme == "http" && !loopback(u.Hostname()):`, `case u.Scheme == "http" && !loopback(u.Hostname()) && false:`, "cmd/qingdang", "AnAddressForCheckpointsIsOne", lite},

	// I7: exports.
	{"an export's MAC", "I7", "models/export/fetch.go", "case !genuine(d.Vault.Store, e):", "case false:", "models/export", "AForgedRowGivesNothingOut", lite},
	{"an export's owner", "I7", "models/export/fetch.go", "if by.ID != e.OwnerID || by.PersonID != e.OwnerPerson {", "if false {", "models/export", "TheFileIsRefusedAtTheDoor", lite},
	{"an export's end", "I7", "models/export/fetch.go", "case !tx.Now.Before(*e.ExpiresAt):", "case false:", "models/export", "NobodyFetchesAfterItsTime", lite},
	{"a department lost since", "I7", "models/export/fetch.go", "case foreign > 0:", "case foreign < 0:", "models/export", "TheFileIsRefusedAtTheDoor", lite},

	// I8, I9: sealed, and erased means erased.
	{"AAD of a body", "I8", "models/seal/seal.go", "b = binary.BigEndian.AppendUint64(b, a.Record)\n\tb = binary.BigEndian.AppendUint32(b, a.Version)\n\treturn binary.BigEndian.AppendUint64(b, a.Department)", "return binary.BigEndian.AppendUint64(b, 0)", "models/seal", "BodyBelongsToOneRecordOnly", ""},
	{"AAD of a wrapped key", "I8", "models/seal/bucket.go", "binary.BigEndian.PutUint64(aad[n+8:], record)", "binary.BigEndian.PutUint64(aad[n+8:], 0)", "models/seal", "GoldenBytes|BodyBelongsToOneRecordOnly", ""},
	{"a destroyed key in memory", "I9", "models/seal/buckets.go", "\t\t\ts.forget(id)\n", "", "models/seal", "DestroyedKeyDoesNotStayInMemory|DestroyedNeverOpens", ""},
	{"what a puncture keeps", "I9", "models/seal/tree.go", "nodes := leaves.cover()\n\tif len(nodes) == 0 ", "leaves = t.leaves\n\tnodes := leaves.cover()\n\tif len(nodes) == 0 ", "models/seal", "KeepKeepsTheseLeavesAndNoOthers", ""},
	{"a leaf that is gone", "I9", "models/seal/leaf.go", "if !t.Covers(n) {", "if !t.Covers(n) && false {", "models/seal", "KeepKeepsTheseLeavesAndNoOthers", ""},
	{"AAD of a key at a leaf", "I8", "models/seal/leaf.go", "binary.BigEndian.PutUint16(aad[n+16:], uint16(leaf))", "binary.BigEndian.PutUint16(aad[n+16:], 0)", "models/seal", "GoldenTree", ""},
	{"AAD of a punctured bucket", "I8", "models/seal/tree.go", "b = binary.BigEndian.AppendUint64(b, t.bucket)", "b = binary.BigEndian.AppendUint64(b, 0)", "models/seal", "AStateBelongsToOneBucketUnderOneSlot", ""},
	{"a puncture keeps what lives", "I9", "models/conversation/puncture.go", "for leaf := b.Used; leaf < BucketSize; leaf++ {", "for leaf := 0; leaf < BucketSize; leaf++ {", "models/conversation", "ABucketIsPuncturedAgainAndAgain", lite},
	{"no slot under what lives", "I9", "models/conversation/destroy.go", "if len(open) > 0 {", "if len(open) > 0 && false {", "models/conversation", "NoSlotGoesUnderWhatLives", lite},
	{"no slot that wraps a key itself", "I9", "models/conversation/destroy.go", "case status.State == seal.Live:", "case status.State == seal.Live && false:", "models/conversation", "NoSlotGoesUnderWhatLives", lite},
	{"what is left opens before a slot goes", "I9", "models/conversation/destroy.go", "_, errs := v.trees(staying)", "_, errs := v.trees(staying[:0])", "models/conversation", "NoSlotGoesUnderWhatLives", lite},
	{"the slots of earlier purges", "I9", "models/purge/ledger_lines.go", "if b.Slot >= own[b.BucketID] || slices.Contains(slots[b.BucketID], b.Slot) {", "if b.Slot > 0 || slices.Contains(slots[b.BucketID], b.Slot) {", "models/purge", "TwoPurgesOfOneBucket", lite},
	{"the leaves of what was erased", "I9", "models/purge/verify.go", "&& !slices.Contains(left, b.BucketID)", "&& len(left) >= 0", "models/purge", "NothingIsCertifiedThatCouldStillBeReached", lite},
	{"the slots of what was erased", "I9", "models/purge/verify.go", "if s.State != seal.Destroyed {", "if s.State > seal.Destroyed {", "models/purge", "NothingIsCertifiedThatCouldStillBeReached", lite},
	{"lifted keys in the ledger", "I15", "models/purge/ledger_lines.go", "kept, err := liftedKeys(tx, lifted)", "kept, err := liftedKeys(tx, lifted[:0])", "models/purge", "ABackupFromBeforeThereWereLeavesIsReplayed", lite},
	{"a bucket out of the ledger takes nothing new", "I9", "models/conversation/again.go", "\"tree\": b.Tree, \"used\": BucketSize}", "\"tree\": b.Tree}", "models/purge", "ABucketOutOfTheLedgerTakesNothingNew", lite},
	{"a bucket that a replay punctures takes nothing new", "I9", "models/purge/replay_keys.go", "Update(\"used\", conversation.BucketSize)", "Update(\"state\", conversation.BucketOpen)", "models/purge", "DatabaseAndKeyStoreOfOneBackupAreReplayed", lite},
	{"no number of a slot comes twice after a replay", "I9", "models/purge/replay_keys.go", "last >= highest", "last >= highest || highest > 0", "models/purge", "DatabaseAndKeyStoreOfOneBackupAreReplayed", lite},
	{"a bucket that moved has a state", "I9", "models/seal/tree.go", "len(p.State) == 0 && p.Slot != p.Bucket", "false", "models/seal", "AStateBelongsToOneBucketUnderOneSlot", lite},
	{"no key before the ledger", "I9", "models/purge/keys.go", "case len(open) > 0 || !recorded:", "case len(open) > 0 || !recorded && false:", "models/purge", "NoKeyIsDestroyedBeforeTheLedgerHasIt", lite},

	// I10, I11: the bin's window and the floors.
	{"the bin's window", "I10", "models/purge/vote.go", "\treturn later(own, keep)\n", "\treturn own\n", "models/purge", "NothingRunsBeforeItsTime|NothingIsPurgedASecondBeforeItsTime", lite},
	{"one extension", "I10", "models/bin/extend.go", "case out.ExtendedAt != nil:", "case false:", "models/bin", "Extend", lite},
	{"the end of the window", "I10", "models/bin/restore.go", "case expired && r.by.May(account.BinRestore) && !r.by.May(account.BinRestoreExpired), expired && r.whole:", "case false:", "models/bin", "TheEndOfTheWindow", ""},
	{"floor on the way to erasure", "I11", "models/purge/look.go", "case g.floors.Within(c.ServiceType, c.LastAt, tx.Now):", "case false:", "models/purge", "WhatIsProtectedStaysOffTheListAndIsTold|WhatChangedSinceTheListWasFrozenIsSkipped", lite},
	{"floor on the way to the bin", "I11", "models/bin/move.go", "case policy.Within(c.ServiceType, c.LastAt, now):", "case false:", "models/bin", "DiscardOne", lite},
	{"the policy in force", "I11", "models/purge/run.go", "if inForce, err := retention.InForce(tx); err != nil || !inForce {", "if inForce, err := retention.InForce(tx); err != nil && !inForce {", "models/purge", "AConsentThatNoLongerStandsStopsEverything", lite},
	{"an open order", "I11", "models/purge/look.go", "case c.OrderState == conversation.OrderOpen:", "case false:", "models/purge", "WhatIsProtectedStaysOffTheListAndIsTold|WhatChangedSinceTheListWasFrozenIsSkipped", lite},
	{"a whole chunk's floors", "I11", "models/purge/look.go", `Where("NOT "+within, args...)`, `Where("NOT "+within+" OR 1 = 1", args...)`, "models/purge", "OneChangeAloneIsNoticed", lite},
	{"a whole chunk's orders", "I11", "models/purge/look.go", `Where("conversation.order_state <> ?", conversation.OrderOpen)`, `Where("conversation.order_state <> ? + 100", conversation.OrderOpen)`, "models/purge", "OneChangeAloneIsNoticed", lite},
	{"the longest floor", "I11", "models/retention/retention.go", "return !ok || until.After(now)", "return ok && until.After(now)", "models/retention", "CountingAndDoingDecideAlike|TheEdgeOfAFloor", ""},

	// I11: what a deletion request sealed.
	{"a search for what is sealed", "I11", "models/conversation/find.go", "f = s.worded(q).known(by)", "f = s.worded(q)", "models/subject", "NobodyButLegalMeetsWhatIsSealed", lite},
	{"the count of what is sealed", "I11", "models/conversation/overview.go", "if !l.filter.hides {", "if true {", "models/subject", "NobodyButLegalMeetsWhatIsSealed", lite},
	{"reading what is sealed", "I11", "models/conversation/open.go", "} else if !ok {", "} else if !ok && false {", "models/subject", "NobodyButLegalMeetsWhatIsSealed|WhatLeavesTheSealForTheBinIsStillLegalsAlone", lite},
	{"tags of what is sealed", "I11", "models/conversation/tag.go", " || !Knows(by, c.State) {", " {", "models/subject", "NobodyButLegalMeetsWhatIsSealed", lite},
	{"hiding what is sealed", "I11", "models/conversation/hide.go", " || !Knows(by, rows[0].State) {", " {", "models/subject", "NobodyButLegalMeetsWhatIsSealed", lite},
	{"binning what is sealed", "I11", "models/bin/single.go", " || !conversation.Knows(by, row.State) {", " {", "models/subject", "NobodyButLegalMeetsWhatIsSealed", lite},
	{"an export of what is sealed", "I11", "models/export/selection.go", `return m.and("NOT " + conversation.UnderSeal), nil`, "return m, nil", "models/subject", "NobodyButLegalMeetsWhatIsSealed", lite},
	{"an export on its way", "I11", "models/export/part.go", ", slices.Contains(o.sealed, c.ID):", ", slices.Contains(o.sealed, 0):", "models/subject", "ASealStopsExportsOnTheirWay", lite},
	{"an export that was made before", "I11", "models/export/fetch.go", "case sealed > 0:", "case sealed < 0:", "models/subject", "ASealStopsExportsOnTheirWay", lite},
	{"the second person of a lift", "I11", "models/subject/lift.go", "case by.ID == r.CreatedBy || by.PersonID == r.CreatorPerson:", "case false:", "models/subject", "LiftingTakesTwoPeopleAndPutsEverythingBack", lite},
	{"a request's list and MAC", "I11", "models/subject/timer.go", "if err := r.mustBeGenuine(tx, of); err != nil {\n\t\treturn false, err", "if err := r.mustBeGenuine(tx, of); err != nil && false {\n\t\treturn false, err", "models/subject", "ARowIsNoRequest", lite},
	{"the seal of what rests in the bin", "I11", "models/bin/sealed.go", "return was, restAs(tx, all, conversation.Sealed)", "return was, nil", "models/subject", "WhatRestsInTheBinComesOutUnderSeal", lite},
	{"a seal that was broken by a person", "I11", "models/subject/timer.go", `Where("subject_item.binned_at IS NULL AND conversation.state = ?", conversation.Sealed).Where(why+" = ''", args...)`, `Where("conversation.state = ?", conversation.Sealed).Where(why+" = ''", args...)`, "models/subject", "WhatRestsInTheBinComesOutUnderSeal", lite},
	{"the cap of a day", "I14", "models/bin/sealed.go", "b.capFor(tx, today+n, concerned)", "b.capFor(tx, n, concerned)", "models/subject", "MoreThanTheCapWaitsForAnotherDay", lite},

	// I12: default deny.
	{"scope of reading", "I12", "models/conversation/open.go", "if by.Scope.Has(row.DepartmentID) {", "if true {", "models/conversation", "OpenTellsAbsentAndForbiddenAlike", lite},
	{"scope of a discard", "I12", "models/bin/single.go", "if !by.Scope.Has(row.DepartmentID) || ", "if ", "models/bin", "DiscardOne", lite},
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
