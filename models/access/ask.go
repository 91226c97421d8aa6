package access

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// Wish is what a person asks to read.
type Wish struct {
	Kind       Kind
	Department id.Department // of OfDepartment; of OfCustomer it may be 0, which is everywhere
	Sub        bool
	Code       string    // of OfConversation
	Customer   string    // of OfCustomer: the customer's id on the platform; it is stored sealed
	From, To   time.Time // of the last message, To excluded; not of OfConversation
	Reason     string
	Days       int    // 1 to MostDays; 0 is UsualDays
	FormKey    string // one form asks once
}

const sealCustomer = "access customer"

// Ask asks to read what lies outside one's departments. Whether a conversation that is named exists
// nobody learns from the answer. The faults are forbidden, invalid for the fields of the wish, and a
// conflict when too many wait.
func (d *Desk) Ask(ctx context.Context, by account.Actor, w Wish) (*Grant, error) {
	if err := mayAsk(by); err != nil {
		return nil, err
	}
	w.Reason, w.Code, w.Customer = strings.TrimSpace(w.Reason), strings.ToUpper(strings.TrimSpace(w.Code)), strings.TrimSpace(w.Customer)
	if w.Days == 0 {
		w.Days = UsualDays
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	var g *Grant
	err := d.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if g, err = ofKey(tx, by, w.FormKey); g != nil || err != nil {
			return err
		}
		g, err = d.ask(tx, by, w)
		return err
	})
	if db.Duplicate(err) {
		return nil, fault.Conflict("access.asked_already")
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

func mayAsk(by account.Actor) error {
	if err := by.Require(account.AccessRequest); err != nil {
		return err
	}
	if !by.Natural() {
		return fault.Forbidden("approval.not_a_person")
	}
	if by.Scope.All {
		return fault.Forbidden("access.everywhere")
	}
	return nil
}

func (w *Wish) check() error {
	_, code := conversation.ParseCode(w.Code)
	period, n := w.Kind != OfConversation, utf8.RuneCountInString(w.Reason)
	var wrong []*fault.Fault
	for _, c := range []struct {
		bad bool
		is  *fault.Fault
	}{
		{!slices.Contains(Kinds(), w.Kind), fault.Invalid("access.kind_needed").On("kind")},
		{w.Kind == OfDepartment && w.Department == 0, fault.Invalid("access.department_needed").On("department")},
		{w.Kind == OfConversation && !code, fault.Invalid("access.code_needed").On("conversation")},
		{w.Kind == OfCustomer && w.Customer == "", fault.Invalid("access.customer_needed").On("customer")},
		{utf8.RuneCountInString(w.Customer) > longCustomer, fault.Invalid("access.customer_long", longCustomer).On("customer")},
		{period && w.From.IsZero(), fault.Invalid("access.from_needed").On("from")},
		{period && w.To.IsZero(), fault.Invalid("access.to_needed").On("to")},
		{period && !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To), fault.Invalid("conversation.dates_reversed").On("to")},
		{n < ShortReason, fault.Invalid("access.reason_short", ShortReason).On("reason")},
		{n > LongReason, fault.Invalid("access.reason_long", LongReason).On("reason")},
		{w.Days < 1 || w.Days > MostDays, fault.Invalid("access.days", MostDays).On("days")},
	} {
		if c.bad {
			wrong = append(wrong, c.is)
		}
	}
	return fault.All(wrong...)
}

// ofKey gives what the same form asked for before.
func ofKey(tx *db.Tx, by account.Actor, key string) (*Grant, error) {
	if key == "" {
		return nil, nil
	}
	var rows []Grant
	if err := tx.Where("request_key = ?", key).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for the first submit: %w", err)
	}
	switch {
	case len(rows) == 0:
		return nil, nil
	case rows[0].AskerID != by.ID:
		return nil, fault.Conflict("access.asked_already")
	}
	return &rows[0], nil
}

func (d *Desk) ask(tx *db.Tx, by account.Actor, w Wish) (*Grant, error) {
	var open int64
	if err := tx.Model(&Grant{}).Where("asker_person = ? AND state = ? AND expires_at > ?", by.PersonID, Asked, tx.Now).Count(&open).Error; err != nil {
		return nil, fmt.Errorf("count wishes: %w", err)
	}
	if open >= MostOpen {
		return nil, fault.Conflict("access.too_many", MostOpen)
	}
	list, err := w.list(tx, by)
	if err != nil {
		return nil, err
	}
	g, err := d.create(tx, by, w, list)
	if err != nil {
		return nil, err
	}
	if g.ApprovalID, err = approval.Start(tx, approval.New{
		Kind: approval.Access, Subject: uint64(g.ID), Root: [32]byte(g.Root), Stages: []approval.Stage{{Role: account.Supervisor, Or: account.Legal}},
		Requester: by.ID, RequesterPerson: by.PersonID, ExpiresAt: g.ExpiresAt,
	}); err != nil {
		return nil, err
	}
	if err := d.store(tx, g, Asked); err != nil {
		return nil, err
	}
	return g, audit.Append(tx, audit.Entry{
		Actor: by.Audit(), Action: "access.requested", ObjectKind: "access", Object: g.Code, Department: g.DepartmentID, Data: g.facts(list),
	})
}

// list freezes the departments of a wish: those outside the asker's own. Of one conversation it is
// where it lies, and nothing if it is not there, which the asker does not learn.
func (w *Wish) list(tx *db.Tx, by account.Actor) (list []id.Department, err error) {
	if w.Kind == OfConversation {
		c, _ := conversation.ParseCode(w.Code)
		row, err := named(tx, c, w.Code)
		switch {
		case err != nil || row == nil || !conversation.Knows(by, row.State):
			return nil, err
		case by.Scope.Has(row.DepartmentID):
			return nil, fault.Invalid("access.own_conversation").On("conversation")
		}
		return []id.Department{row.DepartmentID}, nil
	}
	if w.Department == 0 {
		return nil, nil
	}
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	if tree.Known(w.Department) != nil {
		return nil, fault.Invalid("access.department_needed").On("department")
	}
	list = []id.Department{w.Department}
	if w.Sub {
		list = tree.Subtree(w.Department)
	}
	if list = slices.DeleteFunc(list, by.Scope.Has); len(list) == 0 {
		return nil, fault.Invalid("access.own_department").On("department")
	}
	slices.Sort(list)
	return list, nil
}

// named finds the conversation of a code, nil if there is none. The platform is part of the code.
func named(tx *db.Tx, c id.Conversation, code string) (*conversation.Conversation, error) {
	var row conversation.Conversation
	switch err := tx.Where("id = ?", c).Take(&row).Error; {
	case db.NotFound(err) || err == nil && row.Code() != code:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find conversation: %w", err)
	}
	return &row, nil
}

func (d *Desk) create(tx *db.Tx, by account.Actor, w Wish, list []id.Department) (*Grant, error) {
	today := tx.Now.In(d.Zone).Format("20060102")
	serial, err := db.Serial(tx, "DY", today)
	if err != nil {
		return nil, err
	}
	g := &Grant{
		Code: fmt.Sprintf("DY-%s-%03d", today, serial), State: Asked, Kind: w.Kind, Reason: w.Reason, Days: w.Days,
		AskerID: by.ID, AskerPerson: by.PersonID, AskerName: by.Name, AskerStaffNo: by.StaffNo, AskerRole: by.Role,
		AskedAt: tx.Now, ExpiresAt: tx.Now.Add(AnswerTime), MAC: make([]byte, 32),
	}
	if w.FormKey != "" {
		g.RequestKey = &w.FormKey
	}
	if w.Kind == OfConversation {
		g.ConversationID, _ = conversation.ParseCode(w.Code)
		g.ConversationCode = w.Code
	} else {
		from, to := db.Instant(w.From), db.Instant(w.To)
		g.DepartmentID, g.Sub, g.FromAt, g.ToAt = w.Department, w.Sub && w.Department != 0, &from, &to
	}
	if w.Kind == OfCustomer {
		g.CustomerMAC = d.Vault.CustomerMAC(w.Customer)
		g.Sealed = d.Vault.Store.SealSmall(sealCustomer, []byte(g.Code), []byte(w.Customer))
	}
	g.Root = rootOf(d.Vault.Store, g, list)
	if err := tx.Create(g).Error; err != nil {
		return nil, fmt.Errorf("store access: %w", err)
	}
	if len(list) == 0 {
		return g, nil
	}
	rows := make([]share, len(list))
	for i, d := range list {
		rows[i] = share{g.ID, d}
	}
	if err := tx.CreateInBatches(rows, 500).Error; err != nil {
		return nil, fmt.Errorf("store departments of access: %w", err)
	}
	return g, nil
}

// facts is what the log says of a wish. Of one conversation it does not say where it lies, or the
// asker would learn from the own entries whether it exists; a customer stands under the keyed name.
func (g *Grant) facts(list []id.Department) map[string]any {
	data := map[string]any{"kind": string(g.Kind), "days": g.Days, "reason": g.Reason, "root": g.Fingerprint(), "expires_at": g.ExpiresAt}
	if g.Kind == OfConversation {
		data["conversation"] = g.ConversationCode
		return data
	}
	data["from"], data["to"], data["sub"], data["departments"] = *g.FromAt, *g.ToAt, g.Sub, len(list)
	if g.CustomerMAC != nil {
		data["customer"] = hex.EncodeToString(g.CustomerMAC[:8])
	}
	return data
}
