package export

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/job"
)

const (
	shortPurpose = 4
	longPurpose  = 200
	longName     = 200
	longConsent  = 1000
	longKey      = 4000
	// answerTime is how long the second person has; no answer is a no.
	answerTime = 3 * 24 * time.Hour
	day        = 24 * time.Hour
)

// Preview counts what a wish would give now. The faults are those of Ask, but for the ones about
// purpose and recipient.
func (d *Desk) Preview(ctx context.Context, by account.Actor, w Wish) (*Preview, error) {
	w = w.normal()
	if err := w.allowed(by); err != nil {
		return nil, err
	}
	if f := w.Selection.check(); f != nil {
		return nil, d.hidden(ctx, by, f)
	}
	var p *Preview
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		p = &Preview{Now: tx.Now, MostDays: w.mostDays()}
		m, err := d.match(tx, by, &w.Selection)
		if err != nil {
			return err
		}
		err = m.of(tx).Select("COUNT(*), COALESCE(SUM(conversation.messages), 0), COALESCE(SUM(conversation.attachments), 0), COALESCE(SUM(conversation.bytes), 0)").
			Row().Scan(&p.Conversations, &p.Messages, &p.Attachments, &p.Bytes)
		if err != nil {
			return fmt.Errorf("count: %w", err)
		}
		if err := w.whole(p.Conversations); err != nil {
			return err
		}
		if err := m.of(tx).Where(conversation.UnderSeal).Count(&p.Sealed).Error; err != nil {
			return fmt.Errorf("count what is under seal: %w", err)
		}
		p.Parts = parts(p.Conversations, d.partSize(w.Format))
		before, err := dayBefore(tx, by)
		if err != nil {
			return err
		}
		if p.Needs = whys(w.Mask, w.outside(), p.Conversations+before); len(p.Needs) == 0 {
			return nil
		}
		p.Approvers, err = account.InRole(tx, account.Legal)
		p.Approvers = slices.DeleteFunc(p.Approvers, func(s account.Standing) bool { return s.Person == by.PersonID })
		return err
	})
	if err != nil {
		return nil, d.hidden(ctx, by, err)
	}
	return p, nil
}

// Ask asks for an export: it is queued, or waits for the second person where NeedsApproval says so.
// The faults are forbidden, not-found for a hold or batch that is hidden, and invalid for the fields
// of the wish; a conflict when the selection is not as large as the page showed.
func (d *Desk) Ask(ctx context.Context, by account.Actor, w Wish) (*Export, error) {
	w = w.normal()
	if err := w.allowed(by); err != nil {
		return nil, d.refused(ctx, by, "", err)
	}
	if err := w.check(); err != nil {
		return nil, d.hidden(ctx, by, err)
	}
	var e *Export
	err := d.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if e, err = ofKey(tx, by, w.FormKey); e != nil || err != nil {
			return err
		}
		e, err = d.ask(tx, by, w)
		return err
	})
	if db.Duplicate(err) {
		err = fault.Conflict("export.asked_already")
	}
	if err != nil {
		return nil, d.hidden(ctx, by, err)
	}
	return e, nil
}

func (d *Desk) ask(tx *db.Tx, by account.Actor, w Wish) (*Export, error) {
	m, err := d.match(tx, by, &w.Selection)
	if err != nil {
		return nil, err
	}
	shares, err := m.departments(tx)
	if err != nil {
		return nil, err
	}
	n := total(shares)
	if err := w.whole(n); err != nil {
		return nil, err
	}
	switch {
	case n == 0:
		return nil, fault.Invalid("export.nothing").On("selection")
	case w.Shown != nil && *w.Shown != n:
		return nil, fault.Conflict("export.count_changed", *w.Shown, n)
	}
	spread, err := m.spread(tx, shares)
	if err != nil {
		return nil, err
	}
	data, err := d.told(tx, &w.Selection, shares, spread)
	if err != nil {
		return nil, err
	}
	e, err := d.create(tx, by, w, n, spread)
	if err != nil {
		return nil, err
	}
	if err := keepShares(tx, e.ID, shares); err != nil {
		return nil, err
	}
	if e.State == Waiting {
		err = d.wait(tx, by, e)
	} else {
		err = d.enqueue(tx, e)
	}
	if err != nil {
		return nil, err
	}
	if err := d.store(tx, e, e.State); err != nil {
		return nil, err
	}
	maps.Copy(data, map[string]any{
		"kind": string(e.Kind), "format": string(e.Format), "mask": string(e.Mask), "purpose": e.Purpose, "days": e.Days, "outside": e.Outside,
		"recipient_key": e.RecipientKey != "", "zip": w.Zip, "root": e.WishRoot(), "needs": e.NeedsApproval(), "again": w.Again,
	})
	return e, audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "export.requested", ObjectKind: "export", Object: e.Code, Department: only(shares), Count: n, Data: data,
	})
}

// only gives the department of what lies in one, for the log.
func only(shares []share) id.Department {
	if len(shares) == 1 {
		return shares[0].DepartmentID
	}
	return 0
}

func total(shares []share) (n int64) {
	for _, s := range shares {
		n += s.Conversations
	}
	return n
}

func keepShares(tx *db.Tx, e id.Export, shares []share) error {
	if err := tx.Where("export_id = ?", e).Delete(&share{}).Error; err != nil {
		return fmt.Errorf("forget departments: %w", err)
	}
	for i := range shares {
		shares[i].ExportID = e
	}
	if len(shares) == 0 {
		return nil
	}
	if err := tx.Create(&shares).Error; err != nil {
		return fmt.Errorf("store departments: %w", err)
	}
	return nil
}

func (d *Desk) create(tx *db.Tx, by account.Actor, w Wish, n int64, spread *Spread) (*Export, error) {
	today := tx.Now.In(d.Zone).Format("20060102")
	serial, err := db.Serial(tx, "EX", today)
	if err != nil {
		return nil, err
	}
	e := &Export{
		Code: fmt.Sprintf("EX-%s-%03d", today, serial), State: Queued, Kind: w.Selection.Kind, Format: w.Format, Mask: w.Mask, Purpose: w.Purpose,
		OwnerID: by.ID, OwnerPerson: by.PersonID, OwnerName: by.Name, OwnerStaffNo: by.StaffNo,
		Outside: w.outside(), RecipientKey: w.Key, HoldID: w.Selection.Hold, BatchID: w.Selection.Batch, Days: w.Days, Lang: w.Lang,
		Asked: n, CreatedAt: tx.Now, MAC: make([]byte, 32),
	}
	if w.FormKey != "" {
		e.RequestKey = &w.FormKey
	}
	if e.DayBefore, err = dayBefore(tx, by); err != nil {
		return nil, err
	}
	if len(e.NeedsApproval()) > 0 {
		e.State = Waiting
	}
	stored := w.stored()
	stored.Spread = spread
	if e.Sealed, err = d.sealWish(e.Code, stored); err != nil {
		return nil, err
	}
	root := wishRoot(d.Vault.Store, e)
	e.Root = root[:]
	if err := tx.Create(e).Error; err != nil {
		return nil, fmt.Errorf("store export: %w", err)
	}
	return e, nil
}

// dayBefore counts what a person asked for within the last 24 hours, under whatever account: many small
// exports are one large one.
func dayBefore(tx *db.Tx, by account.Actor) (n int64, err error) {
	err = tx.Model(&Export{}).Where("owner_person = ? AND created_at > ? AND state NOT IN ?", by.PersonID, tx.Now.Add(-day), []State{Rejected, Cancelled, Failed}).
		Select("COALESCE(SUM(asked), 0)").Row().Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the day's exports: %w", err)
	}
	return n, nil
}

func (d *Desk) enqueue(tx *db.Tx, e *Export) (err error) {
	e.JobID, err = job.Enqueue(tx, job.New{Kind: JobRun, Subject: uint64(e.ID), Object: e.Code, By: e.OwnerID, Total: e.Asked})
	return err
}

// wait opens the vote of the second person.
func (d *Desk) wait(tx *db.Tx, by account.Actor, e *Export) (err error) {
	until := tx.Now.Add(answerTime)
	e.AnswerUntil = &until
	e.ApprovalID, err = approval.Start(tx, approval.New{
		Kind: approval.Export, Subject: uint64(e.ID), Root: [32]byte(e.Root), Stages: []approval.Stage{{Role: account.Legal}},
		Requester: by.ID, RequesterPerson: by.PersonID, ExpiresAt: until,
	})
	return err
}

// ofKey finds the export that a form asked for before, nil if none.
func ofKey(tx *db.Tx, by account.Actor, key string) (*Export, error) {
	if key == "" {
		return nil, nil
	}
	var rows []Export
	if err := tx.Where("request_key = ?", key).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for the first submit: %w", err)
	}
	switch {
	case len(rows) == 0:
		return nil, nil
	case rows[0].OwnerID != by.ID:
		return nil, fault.Invalid("export.form_stale")
	}
	return &rows[0], nil
}

func (w Wish) normal() Wish {
	w.Purpose, w.Recipient, w.Consent, w.Key = oneLine(w.Purpose), oneLine(w.Recipient), strings.TrimSpace(w.Consent), strings.TrimSpace(w.Key)
	w.Selection.Customer = strings.TrimSpace(w.Selection.Customer)
	w.Selection.Conversations = slices.Clone(w.Selection.Conversations)
	slices.Sort(w.Selection.Conversations)
	w.Selection.Conversations = slices.Compact(w.Selection.Conversations)
	if w.Mask == "" {
		w.Mask = MaskAll
	}
	if w.Days == 0 {
		w.Days = UsualDays
	}
	if w.Lang != "en" {
		w.Lang = "zh-CN"
	}
	return w
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (w *Wish) outside() bool { return w.Recipient != "" }

func (w *Wish) mostDays() int {
	if w.Mask != MaskAll {
		return MostUnmasked
	}
	return MostDays
}

// allowed refuses what the actor's role may not ask for.
func (w *Wish) allowed(by account.Actor) error {
	if err := w.Selection.allowed(by); err != nil {
		return err
	}
	if w.Mask != MaskAll {
		return by.Require(account.ExportUnmasked)
	}
	return nil
}

func (w *Wish) check() error {
	if f := w.Selection.check(); f != nil {
		return f
	}
	purpose := utf8.RuneCountInString(w.Purpose)
	switch {
	case !slices.Contains(file.Formats, w.Format):
		return fault.Invalid("export.format_unknown").On("format")
	case w.Mask != MaskAll && w.Mask != MaskOthers && w.Mask != MaskNone:
		return fault.Invalid("export.mask_unknown").On("mask")
	case purpose < shortPurpose || purpose > longPurpose:
		return fault.Invalid("export.purpose_needed", shortPurpose, longPurpose).On("purpose")
	case w.Days < 1 || w.Days > w.mostDays():
		return fault.Invalid("export.days_range", w.mostDays()).On("days")
	case utf8.RuneCountInString(w.Recipient) > longName:
		return fault.Invalid("export.recipient_long", longName).On("recipient")
	case w.outside() && w.Consent == "":
		return fault.Invalid("export.consent_needed").On("consent")
	case utf8.RuneCountInString(w.Consent) > longConsent:
		return fault.Invalid("export.consent_long", longConsent).On("consent")
	}
	if w.Zip && w.Key != "" {
		return fault.Invalid("export.key_in_zip").On("key")
	}
	if w.Key != "" {
		if _, err := recipient(w.Key); err != nil || len(w.Key) > longKey {
			return fault.Invalid("export.key_unreadable").On("key")
		}
	}
	return nil
}

// recipient reads one age public key.
func recipient(key string) (age.Recipient, error) {
	all, err := age.ParseRecipients(strings.NewReader(key))
	if err != nil || len(all) != 1 {
		return nil, fmt.Errorf("age recipient: %w", err)
	}
	return all[0], nil
}

// whole refuses single conversations of which the actor may not see each.
func (w *Wish) whole(n int64) error {
	if s := &w.Selection; s.Kind == OfConversation || s.Kind == OfConversations {
		if n != int64(len(s.Conversations)) {
			return unknownConversation
		}
	}
	return nil
}

// hidden writes down that somebody reached for conversations, a hold or a batch that are hidden from
// them, or would take out what they may only read.
func (d *Desk) hidden(ctx context.Context, by account.Actor, err error) error {
	if f, ok := fault.Of(err); ok && (f.Key == unknownConversation.Key || f.Key == notUnder.Key || f.Kind == fault.KindNotFound) {
		return d.refused(ctx, by, "", err)
	}
	return err
}

// refused writes down that somebody was refused an export.
func (d *Desk) refused(ctx context.Context, by account.Actor, code string, err error) error {
	f, ok := fault.Of(err)
	if !ok {
		return err
	}
	noted := audit.Refused(ctx, d.DB, audit.Entry{Actor: by.Audit(), Action: "export.refused", ObjectKind: "export", Object: code, Data: map[string]any{"why": f.Key}})
	if noted != nil {
		return fmt.Errorf("%w (and could not be written down: %w)", err, noted)
	}
	return err
}

func (d *Desk) partSize(f file.Format) int {
	if d.PartSize > 0 {
		return d.PartSize
	}
	return file.Limit(f)
}

func parts(n int64, size int) int {
	if size <= 0 {
		return 0
	}
	return int((n + int64(size) - 1) / int64(size))
}
