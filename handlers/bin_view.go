package handlers

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/department"
	"qingdang/models/id"
	"qingdang/templates"
	"qingdang/web"
)

// binQuery reads what is to be listed. What does not fit is dropped.
func binQuery(c echo.Context) templates.BinQuery {
	var q struct {
		View  string        `query:"view"`
		State string        `query:"state"`
		Left  string        `query:"left"`
		Dept  id.Department `query:"dept"`
		Text  string        `query:"q"`
		Size  int           `query:"size"`
	}
	web.Query(c, &q)
	out := templates.BinQuery{Dept: uint64(q.Dept), Text: strings.TrimSpace(q.Text), Page: pageNumber(c.QueryParam("page"))}
	if out.Page == 1 {
		out.Page = 0
	}
	if q.View == "item" {
		out.View = q.View
	}
	if slices.Contains([]string{bin.ViewRestorable, bin.ViewExpired, bin.ViewFrozen, bin.ViewAll}, q.State) {
		out.State = q.State
	}
	if c.Path() == templates.BinPath && out.State == bin.ViewRestorable {
		out.State = ""
	}
	if q.Left == "24h" {
		out.Left = q.Left
	}
	if slices.Contains([]int{10, 50, 100}, q.Size) {
		out.Size = q.Size
	}
	if utf8.RuneCountInString(out.Text) > longestChoice {
		out.Text = string([]rune(out.Text)[:longestChoice])
	}
	return out
}

func binFilter(q templates.BinQuery) bin.View {
	v := bin.View{State: q.State, Department: id.Department(q.Dept), Text: q.Text, Page: max(q.Page, 1), Size: q.Size}
	if q.Left == "24h" {
		v.Within = 24 * time.Hour
	}
	return v
}

func binBatch(row bin.BatchRow, by account.Actor) templates.BinBatch {
	b := templates.BinBatch{
		ID: uint64(row.ID), Code: row.Code, State: row.State, Path: row.Path, Single: row.Kind == bin.KindSingle,
		Count: row.Resting, Size: row.Moved, Bytes: row.Bytes, OnList: row.OnList, Restored: row.Restored, Rescued: row.Rescued, Purged: row.Purged,
		Residue: row.ResidueCount, Owner: row.OwnerName, CreatedAt: row.CreatedAt, KeepUntil: row.KeepUntil, Expired: row.Expired, Extended: row.ExtendedAt != nil,
	}
	if s, err := bin.ParseScope(row.Scope); err == nil {
		b.Sub = s.Sub
	}
	b.CanRestore, b.WhyNot = canRestore(row, by)
	b.CanChoose = b.CanRestore || canExtend(row, by) || canPurge(row, by)
	return b
}

// canRestore tells whether the actor can restore what is left of a batch, and else why not: the
// key of a reason, for those who can restore otherwise.
func canRestore(row bin.BatchRow, by account.Actor) (ok bool, why string) {
	switch {
	case row.Resting == 0 || !by.May(account.BinRestore) && !by.May(account.BinRestoreExpired):
		return false, ""
	case row.State == bin.Running:
		return false, "bin.running"
	case row.Expired && !by.May(account.BinRestoreExpired):
		return false, "bin.only_legal"
	case row.Expired && row.OnList == row.Resting:
		return false, "bin.all_on_list"
	case !row.Expired && !by.May(account.BinRestore):
		return false, ""
	}
	return true, ""
}

func canExtend(row bin.BatchRow, by account.Actor) bool {
	return by.May(account.BinExtend) && whyNotExtend(row) == ""
}

// whyNotExtend is the key of what keeps a batch from being extended.
func whyNotExtend(row bin.BatchRow) string {
	switch {
	case row.State == bin.Running:
		return "bin.still_running"
	case row.Resting == 0:
		return "bin.nothing_to_restore"
	case row.Expired:
		return "bin.time_over"
	case row.ExtendedAt != nil:
		return "bin.extended_before"
	}
	return ""
}

// canPurge tells whether there is a purge to ask for. An agent asks for whole batches of their
// own: the row counts what is theirs.
func canPurge(row bin.BatchRow, by account.Actor) bool {
	if by.Role == account.Agent && row.OwnerID != by.ID && row.Resting+row.Restored+row.Purged != row.Moved {
		return false
	}
	return by.May(account.PurgeRequest) && row.State != bin.Running && row.Resting > row.OnList
}

func binItems(page *bin.ItemPage, by account.Actor) []templates.BinItem {
	out := make([]templates.BinItem, len(page.Rows))
	for i, r := range page.Rows {
		item := templates.BinItem{
			ID: uint64(r.ConversationID), Code: r.Code, Gone: r.Conversation == nil && !r.Closed, Closed: r.Closed, Path: r.Path, State: r.State, Reason: r.Reason, BatchID: uint64(r.BatchID), Batch: r.BatchCode, Owner: r.OwnerName,
			ChangedAt: r.ChangedAt, KeepUntil: r.KeepUntil, Expired: !page.Now.Before(r.KeepUntil),
		}
		if r.Conversation != nil {
			item.Type, item.Agent, item.LastAt = r.Conversation.ServiceType, r.Conversation.AgentName, r.Conversation.LastAt
		}
		item.Letter = !r.Closed && by.May(account.CertificateRead) && by.Scope.Has(r.DepartmentID) && slices.Contains([]string{bin.ItemBinned, bin.ItemFrozen, bin.ItemPurged}, r.State)
		item.CanRestore = r.Conversation != nil && !r.Closed && canRestoreItem(r, item.Expired, by)
		out[i] = item
	}
	return out
}

func canRestoreItem(r bin.ItemRow, expired bool, by account.Actor) bool {
	switch {
	case r.State != bin.ItemBinned && r.State != bin.ItemFrozen, !by.Scope.Has(r.DepartmentID):
		return false
	case expired:
		return by.May(account.BinRestoreExpired) && r.State == bin.ItemBinned
	}
	return by.May(account.BinRestore)
}

// binDepartments lists the departments of a scope in walking order, with the depth they have
// below the first of their line.
func binDepartments(tree *department.Tree, within account.Scope) []templates.BinDepartment {
	var out []templates.BinDepartment
	var walk func(all []id.Department, depth int)
	walk = func(all []id.Department, depth int) {
		for _, d := range all {
			below := depth
			if within.Has(d) {
				out = append(out, templates.BinDepartment{ID: uint64(d), Name: tree.Name(d), Depth: depth})
				below++
			}
			walk(tree.Children(d), below)
		}
	}
	walk(tree.Roots(), 0)
	return out
}

func batchDraftRow(tree *department.Tree, d bin.Draft) templates.BatchDraftRow {
	s := d.Form.Scope
	row := templates.BatchDraftRow{ID: d.ID, Sub: s.Sub, Conditions: batchConditions(s), ChangedAt: d.ChangedAt, Step: templates.StepScope}
	if len(s.Departments) > 0 {
		row.Name, row.More = tree.Name(topmost(tree, s.Departments)), len(s.Departments)-1
	}
	switch {
	case d.FrozenAt != nil:
		row.Frozen, row.Step = d.Frozen, templates.StepConfirm
	case d.Form.Counted != nil && len(s.Departments) > 0:
		row.Step = templates.StepImpact
	}
	return row
}
