package handlers

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/mask"
	"qingdang/models/search"
	"qingdang/templates"
	"qingdang/web"
)

// Searches is the pages of the saved searches.
type Searches struct {
	Desk interface {
		List(context.Context, account.Actor) ([]search.Search, error)
		Open(ctx context.Context, by account.Actor, code string) (*search.Search, error)
		Used(context.Context, account.Actor, []search.Search) (map[string]time.Time, error)
		Rename(ctx context.Context, by account.Actor, code, name string) error
		Share(ctx context.Context, by account.Actor, code string, s search.Share) error
		Move(ctx context.Context, by account.Actor, code string, down bool) error
		Delete(ctx context.Context, by account.Actor, code string) error
	}
	Find interface {
		Counts(context.Context, account.Actor, []conversation.Query) ([]conversation.Count, error)
	}
	Departments interface {
		Tree(context.Context) (*department.Tree, error)
	}
	Zone *time.Location
}

// List answers GET /searches. What each finds is counted after the page is there, or at once where the
// address asks for it.
func (h *Searches) List(c echo.Context) error {
	v, err := h.view(c, c.QueryParam("count") == "1")
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.SearchesPage(v))
}

// Counts answers GET /searches/counts: the numbers alone.
func (h *Searches) Counts(c echo.Context) error {
	if !web.Fragment(c) {
		return web.See(c, templates.SearchesPath+"?count=1")
	}
	v, err := h.view(c, true)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, templates.SearchCounts(v))
}

func (h *Searches) view(c echo.Context, counted bool) (v templates.SearchesView, err error) {
	ctx, by := c.Request().Context(), web.Actor(c)
	list, err := h.Desk.List(ctx, by)
	if err != nil {
		return v, err
	}
	used, err := h.Desk.Used(ctx, by, list)
	if err != nil {
		return v, err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return v, err
	}
	for i := range list {
		r := h.row(c, &list[i], tree)
		r.UsedAt, r.First, r.Last = used[r.Code], i == 0, i == len(list)-1
		v.Rows = append(v.Rows, r)
	}
	if v.Counted = counted; counted {
		err = h.count(c, list, tree, v.Rows)
	}
	return v, err
}

// row shows one saved search.
func (h *Searches) row(c echo.Context, s *search.Search, tree *department.Tree) templates.SavedRow {
	conditions, p := searchOf(s.Conditions)
	conditions = dated(conditions, now(c), h.Zone)
	r := templates.SavedRow{
		Code: s.Code, Name: s.Name, Broken: s.Broken, Owner: s.Owner.Name, OwnerGone: s.OwnerGone, Own: s.Own,
		CanEdit: s.Own && web.Actor(c).May(account.SearchSave), CanRemove: s.CanRemove, CreatedAt: s.CreatedAt, ChangedAt: s.ChangedAt,
		Role: string(s.Share.Role), Conditions: templates.ConversationsView{Search: conditions, SealedQ: p.Q != ""},
	}
	if d := s.Share.Department; d != 0 {
		if r.Department = tree.Name(d); r.Department == "" {
			r.Department = id.String(d)
		}
	}
	if p.Customer != "" {
		r.Conditions.Customer = mask.Account(p.Customer)
	}
	if d := s.Conditions.Department; d != 0 {
		if r.Conditions.DeptName = tree.Name(d); r.Conditions.DeptName == "" {
			r.Conditions.DeptName = s.Conditions.DepartmentName
		}
	}
	return r
}

// count fills in what each finds in the reader's own departments.
func (h *Searches) count(c echo.Context, list []search.Search, tree *department.Tree, rows []templates.SavedRow) error {
	by := web.Actor(c)
	var qs []conversation.Query
	var of []int
	for i := range list {
		q, err := savedQuery(c, &list[i], tree, h.Zone)
		if rows[i].Counted = true; err == nil && !list[i].Broken && len(qs) < conversation.MostCounted {
			qs, of = append(qs, q), append(of, i)
		}
	}
	counts, err := h.Find.Counts(c.Request().Context(), by, qs)
	for n, k := range counts {
		r := &rows[of[n]]
		r.Count, r.Known, r.AtMost = k.Total, k.Known, !k.Exact
	}
	return err
}

// Show answers GET /searches/:code.
func (h *Searches) Show(c echo.Context) error {
	return h.show(c, http.StatusOK, "", "", nil)
}

func (h *Searches) show(c echo.Context, status int, name, share string, wrong error) error {
	ctx, by, code := c.Request().Context(), web.Actor(c), c.Param("code")
	list, err := h.Desk.List(ctx, by)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(s search.Search) bool { return s.Code == code })
	if i < 0 {
		if _, err := h.Desk.Open(ctx, by, code); err != nil { // it notes who reached for it
			return err
		}
		return fault.NotFound("search.not_found")
	}
	list = list[i : i+1]
	used, err := h.Desk.Used(ctx, by, list)
	if err != nil {
		return err
	}
	tree, err := h.Departments.Tree(ctx)
	if err != nil {
		return err
	}
	v := templates.SavedView{SavedRow: h.row(c, &list[0], tree), NewName: name, Shares: shareOptions(tree, by, list[0].Share), Problems: problems(wrong)}
	if v.UsedAt = used[code]; wrong == nil {
		v.NewName = v.Name
	}
	for i := range v.Shares {
		v.Shares[i].Chosen = share == "" && v.Shares[i].Chosen || share != "" && v.Shares[i].Value == share
	}
	rows := []templates.SavedRow{v.SavedRow}
	if err := h.count(c, list, tree, rows); err != nil {
		return err
	}
	v.SavedRow = rows[0]
	return web.Render(c, status, templates.SavedPage(v))
}

// Rename answers POST /searches/:code/rename.
func (h *Searches) Rename(c echo.Context) error {
	return h.act(c, "search.renamed_flash", func(ctx context.Context, by account.Actor, code string, f saveForm) error {
		return h.Desk.Rename(ctx, by, code, f.Name)
	})
}

// Share answers POST /searches/:code/share.
func (h *Searches) Share(c echo.Context) error {
	return h.act(c, "search.shared_flash", func(ctx context.Context, by account.Actor, code string, f saveForm) error {
		return h.Desk.Share(ctx, by, code, shareOf(f.Share))
	})
}

func (h *Searches) act(c echo.Context, done string, do func(context.Context, account.Actor, string, saveForm) error) error {
	var form saveForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	code := c.Param("code")
	err := do(c.Request().Context(), web.Actor(c), code, form)
	switch fault.KindOf(err) {
	case fault.None:
		web.Flash(c, done)
		return web.See(c, templates.SavedPagePath(code))
	case fault.KindInvalid:
		return h.show(c, http.StatusUnprocessableEntity, form.Name, form.Share, err)
	}
	return err
}

// Move answers POST /searches/:code/move.
func (h *Searches) Move(c echo.Context) error {
	var form struct {
		Way string `form:"way"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if err := h.Desk.Move(c.Request().Context(), web.Actor(c), c.Param("code"), form.Way == "down"); err != nil {
		return err
	}
	return web.See(c, templates.SearchesPath)
}

// Delete answers POST /searches/:code/delete.
func (h *Searches) Delete(c echo.Context) error {
	if err := h.Desk.Delete(c.Request().Context(), web.Actor(c), c.Param("code")); err != nil {
		return err
	}
	web.Flash(c, "search.deleted_flash")
	return web.See(c, templates.SearchesPath)
}

// The values of the audience in a form.
const (
	sharePrivate    = "private"
	shareDepartment = "department-"
	shareRole       = "role-"
)

// shareOptions are the audiences that somebody may choose, and the one that is chosen.
func shareOptions(tree *department.Tree, by account.Actor, chosen search.Share) []templates.ShareOption {
	out := make([]templates.ShareOption, 0, 1+by.Scope.Departments.Len()+len(account.Roles()))
	out = append(out, templates.ShareOption{Value: sharePrivate, Chosen: chosen.Department == 0 && chosen.Role == ""})
	for _, d := range tree.Preorder() {
		if by.Scope.Has(d) || d == chosen.Department {
			out = append(out, templates.ShareOption{Value: shareDepartment + id.String(d), Department: tree.Path(d), Chosen: d == chosen.Department})
		}
	}
	for _, r := range account.Roles() {
		if r.Has(account.SearchRead) && (by.May(account.SearchShare) || r == chosen.Role) {
			out = append(out, templates.ShareOption{Value: shareRole + string(r), Role: string(r), Chosen: r == chosen.Role})
		}
	}
	return out
}

// shareOf reads an audience; what is none is refused where it is used.
func shareOf(value string) search.Share {
	if value == "" || value == sharePrivate {
		return search.Share{With: search.Private}
	}
	if d, ok := strings.CutPrefix(value, shareDepartment); ok {
		which, _ := id.Parse[id.Department](d)
		return search.Share{With: search.InDepartment, Department: which}
	}
	if r, ok := strings.CutPrefix(value, shareRole); ok {
		return search.Share{With: search.InRole, Role: account.Role(r)}
	}
	return search.Share{With: "none"}
}
