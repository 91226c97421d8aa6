package handlers

import (
	"strings"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/hold"
	"qingdang/models/id"
	"qingdang/models/mask"
	terms "qingdang/models/words"
	"qingdang/templates"
	"qingdang/templates/ui"
	"qingdang/web"
)

// previewRunes is how much of a conversation a list shows.
const previewRunes = 80

// offerConditions fills what the search form offers: the departments of the actor's scope,
// indented below the highest of them.
func offerConditions(view *templates.ConversationsView, p private, tree *department.Tree, by account.Actor) {
	view.Departments = departmentsOf(tree, searchReach(view.Search, by), view.Search.Dept)
	view.AccessPath = accessPath(by, templates.AccessNewOf("department", ""))
	for _, r := range by.Readings {
		view.Readings = append(view.Readings, templates.AccessSwitch{Code: r.Code, Path: templates.ConversationsPath(templates.Search{Under: r.Code}), Active: r.Code == view.Search.Under})
		if r.Code == view.Search.Under {
			view.Until = r.Until
		}
	}
	for _, o := range view.Departments {
		if o.Chosen {
			view.DeptName = o.Label
		}
	}
	if p.Customer != "" {
		view.Customer = mask.Account(p.Customer)
	}
	view.SealedQ, view.MaySealed = p.Q != "", by.May(account.ConversationSealed)
}

// accessPath is the way to ask for what one may not see; empty for those who see everything or may
// not ask.
func accessPath(by account.Actor, path string) string {
	if by.Scope.All || !by.May(account.AccessRequest) {
		return ""
	}
	return path
}

func departmentsOf(tree *department.Tree, within account.Scope, chosen string) []ui.Option {
	out := make([]ui.Option, 0, within.Departments.Len())
	top := 0
	for _, d := range tree.Preorder() {
		if !within.Has(d) {
			continue
		}
		dep, _ := tree.Get(d)
		if top == 0 || dep.Level < top {
			top = dep.Level
		}
		value := id.String(d)
		out = append(out, ui.Option{Value: value, Label: dep.Name, Depth: dep.Level, Chosen: value == chosen})
	}
	for i := range out {
		out[i].Depth -= top
	}
	return out
}

// chooseDepartment marks another choice.
func chooseDepartment(options []ui.Option, chosen string) []ui.Option {
	for i := range options {
		options[i].Chosen = options[i].Value == chosen
	}
	return options
}

func showFound(view *templates.ConversationsView, page *conversation.Page, q conversation.Query, locks map[id.Conversation]bin.Lock, tree *department.Tree, by account.Actor) {
	showNumber(view, page)
	s := view.Search
	view.Found, view.Total, view.Binned, view.Unmarked, view.First = true, page.Total, page.Binned, page.Unmarked, firstRow(s)
	view.Numbered = conversation.MostNumbered
	view.AtMost, view.Took, view.NoOverview = !page.Exact, page.Plan.Took, page.Overview == nil
	offerBatch(view, q, by)
	if by.May(account.ExportCreate) && by.Role != account.Agent && page.Total > 0 {
		view.ExportPath = templates.ExportOfSearchPath(s)
	}
	if by.May(account.BinRead) {
		view.BinPath = "/bin"
	}
	if s.Under != "" { // reading, and nothing else
		view.BatchPath, view.BatchWhyNot, view.ExportPath, view.BinPath = "", "", "", ""
	} else {
		offerActs(view, by)
	}
	for i, r := range page.Rows {
		view.Rows = append(view.Rows, conversationRow(r, q.Words, locks[r.ID], tree, templates.RowPath(s, view.First+int64(i))))
	}
	prev, next := page.Newer, page.Older
	if q.Oldest {
		prev, next = next, prev
	}
	if prev != "" {
		to := s.FirstPage()
		to.Cursor = cursorBefore(prev, view.First, sizeOf(s))
		view.Prev = templates.ConversationsPath(to)
	}
	if next != "" {
		to := s.FirstPage()
		to.Cursor = cursorAt(next, view.First+int64(len(page.Rows)))
		view.Next = templates.ConversationsPath(to)
	}
}

// showNumber notes which page of those with numbers it is, and says so where another was asked for.
func showNumber(view *templates.ConversationsView, page *conversation.Page) {
	asked, size := view.Search.Page, sizeOf(view.Search)
	if asked <= 1 || page.Total == 0 {
		return
	}
	shown := int(page.Skipped/size) + 1
	if view.Search.Page = shown; shown == asked {
		return
	}
	switch {
	case !page.Exact:
		view.Elsewhere = templates.Words{Key: "conversation.page_unnumbered"}
	case page.Total > int64(shown)*size:
		view.Elsewhere = templates.Words{Key: "conversation.page_deep", Args: []any{asked, shown, conversation.MostNumbered}}
	default:
		view.Elsewhere = templates.Words{Key: "conversation.page_last", Args: []any{asked, shown}}
	}
}

// offerActs lists what can be done with chosen rows.
func offerActs(view *templates.ConversationsView, by account.Actor) {
	view.CanTag, view.MostTagged = by.May(account.ConversationTag) && view.Search.State != templates.SearchSealed, conversation.MostTagged
	for _, a := range []struct {
		may bool
		act templates.ChosenAct
	}{
		{view.ExportPath != "", templates.ChosenAct{Key: "export", Icon: "file-export", Path: templates.ExportNewPath}},
		{by.May(account.ConversationHide) && view.Search.State != templates.SearchHidden, templates.ChosenAct{Key: "hide", Icon: "eye-off", Path: templates.HideRowsPath, Most: mostHidden}},
		{by.May(account.HoldCreate), templates.ChosenAct{Key: "hold", Icon: "lock", Path: templates.HoldPickPath, Most: hold.MostSingle}},
		{by.May(account.BatchCreate), templates.ChosenAct{Key: "batch", Icon: "trash-x", Path: templates.BatchPickPath, Most: bin.MostPicked}},
	} {
		if a.may {
			view.Acts = append(view.Acts, a.act)
		}
	}
}

func conversationRow(r conversation.Row, w terms.Query, l bin.Lock, tree *department.Tree, back string) templates.ConversationRow {
	return templates.ConversationRow{
		ID: uint64(r.ID), Code: r.Code(), Path: templates.ConversationPath(uint64(r.ID), back), Readable: r.Readable,
		Name: maskedName(r.CustomerName), Account: maskedAccount(r.CustomerID), Preview: snippet(r.Preview, w),
		Department: tree.Name(r.DepartmentID), Agent: r.AgentName, Platform: r.Platform, Type: r.ServiceType, Tags: r.Tags,
		Messages: r.Messages, LastAt: r.LastAt, State: r.State.Code(), Locks: lockCodes(l),
	}
}

// lockCodes names what protects a conversation, in the order in which exclusions count.
func lockCodes(l bin.Lock) []string {
	var out []string
	if l.Held {
		out = append(out, "held")
	}
	if l.Forever || !l.FloorUntil.IsZero() {
		out = append(out, "retained")
	}
	if l.OrderOpen {
		out = append(out, "ordered")
	}
	return out
}

func maskedName(name string) string {
	if strings.TrimSpace(name) == "" {
		return ""
	}
	return mask.Name(name)
}

func maskedAccount(account string) string {
	if account == "" {
		return ""
	}
	return mask.Account(account)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cutRunes cuts a text that has been masked already: cutting first could leave a number too
// short to be recognised.
func cutRunes(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}

// searchPath gives path if it leads to a page from which conversations are opened, and
// the plain search for anything else.
func searchPath(path string) string {
	path = web.BackPath(path)
	for _, root := range []string{templates.ConversationsRoot, "/bin", "/batches", "/purges", "/audit"} {
		if path == root || strings.HasPrefix(path, root+"?") || strings.HasPrefix(path, root+"/") {
			return path
		}
	}
	return templates.ConversationsRoot
}
