package templates

import (
	"context"
	"strconv"
	"strings"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// narrowed tells whether a list shows less than it would by itself.
func (q BinQuery) narrowed() bool {
	return q.State != "" || q.Left != "" || q.Dept != 0 || q.Text != ""
}

// first gives the query with another first page.
func (q BinQuery) first() BinQuery {
	q.Page = 0
	return q
}

func binTextKey(v BinView) string {
	if v.Own {
		return "bin.text_own"
	}
	return "bin.text"
}

func binFigures(ctx context.Context, v BinView) []ui.Figure {
	f := v.Figures
	path := func(state, left string) string {
		return BinListPath(BinQuery{View: v.Query.View, State: state, Left: left})
	}
	soon := ui.Figure{Label: locale.T(ctx, "bin.fig_soon"), Value: locale.N(ctx, f.Soon), Note: locale.T(ctx, "bin.batches_n", f.SoonBatches), Path: path("", "24h")}
	if f.Soon > 0 {
		soon.Kind = ui.Warning
	}
	return []ui.Figure{
		{Label: locale.T(ctx, "bin.fig_restorable"), Value: locale.N(ctx, f.Restorable), Note: locale.T(ctx, "bin.batches_bytes", f.RestorableBatches, locale.Bytes(ctx, f.RestorableBytes)), Path: path("", "")},
		soon,
		{Label: locale.T(ctx, "bin.fig_expired"), Value: locale.N(ctx, f.Expired), Note: locale.T(ctx, "bin.fig_expired_note"), Path: path("expired", "")},
		{Label: locale.T(ctx, "bin.fig_frozen"), Value: locale.N(ctx, f.Frozen), Note: locale.T(ctx, "bin.batches_n", f.FrozenBatches), Path: path("frozen", "")},
	}
}

func binViews(ctx context.Context, v BinView) []ui.TabView {
	tab := func(view, key string) ui.TabView {
		return ui.TabView{Label: locale.T(ctx, key), Path: BinListPath(BinQuery{View: view, State: v.Query.State, Left: v.Query.Left, Dept: v.Query.Dept, Size: v.Query.Size}), Active: v.Query.View == view}
	}
	return []ui.TabView{tab("", "bin.by_batch"), tab("item", "bin.by_item")}
}

func binSearchKey(v BinView) string {
	if v.Query.View == "item" {
		return "bin.search_items"
	}
	return "bin.search"
}

// BinStates are the conditions of the list, in the order of the choice; "" is restorable.
var BinStates = []string{"", "expired", "frozen", "all"}

func binStates(ctx context.Context, v BinView) []ui.Option {
	var out []ui.Option
	for _, s := range BinStates {
		key := s
		if key == "" {
			key = "restorable"
		}
		out = append(out, ui.Option{Value: s, Label: locale.T(ctx, "bin.state_"+key), Chosen: v.Query.State == s})
	}
	return out
}

func binLefts(ctx context.Context, v BinView) []ui.Option {
	return []ui.Option{
		{Value: "", Label: locale.T(ctx, "bin.left_any"), Chosen: v.Query.Left == ""},
		{Value: "24h", Label: locale.T(ctx, "bin.left_day"), Chosen: v.Query.Left == "24h"},
	}
}

func binDepartments(ctx context.Context, v BinView) []ui.Option {
	out := []ui.Option{{Value: "", Label: locale.T(ctx, "common.all"), Chosen: v.Query.Dept == 0}}
	for _, d := range v.Departments {
		out = append(out, ui.Option{Value: strconv.FormatUint(d.ID, 10), Label: d.Name, Depth: d.Depth, Chosen: d.ID == v.Query.Dept})
	}
	return out
}

func binTotal(ctx context.Context, v BinView) string {
	if v.Query.View == "item" {
		return locale.T(ctx, "common.conversations", v.Total)
	}
	return locale.T(ctx, "bin.batches_n", v.Total)
}

// binSource names where a batch came from by the last two departments of its path.
func binSource(ctx context.Context, path string, sub bool) string {
	parts := strings.Split(path, "/")
	name := strings.Join(parts[max(len(parts)-2, 0):], " / ")
	switch {
	case path == "":
		return locale.T(ctx, "bin.several")
	case sub:
		return locale.T(ctx, "bin.with_sub", name)
	}
	return name
}

func binOwner(ctx context.Context, name string) string {
	if name == "" {
		return locale.T(ctx, "common.system")
	}
	return name
}

func binOr(s string) string {
	if s == "" {
		return locale.None
	}
	return s
}

const binUsualSize = 20

func binPager(total int64, page, size int, path func(page int) string) ui.PagerView {
	if size == 0 {
		size = binUsualSize
	}
	page = max(page, 1)
	last := int((total + int64(size) - 1) / int64(size))
	p := ui.PagerView{First: int64(page-1)*int64(size) + 1, Last: min(int64(page)*int64(size), total), Total: total, Pages: ui.Pages(page, last, path)}
	if page > 1 {
		p.Prev = path(page - 1)
	}
	if page < last {
		p.Next = path(page + 1)
	}
	return p
}

func binPagerSized(v BinView) ui.PagerView {
	p := binPager(v.Total, v.Query.Page, v.Query.Size, func(page int) string {
		q := v.Query
		q.Page = page
		return BinListPath(q)
	})
	size := v.Query.Size
	if size == 0 {
		size = binUsualSize
	}
	for _, s := range []int{10, 20, 50, 100} {
		q := v.Query.first()
		if q.Size = s; s == binUsualSize {
			q.Size = 0
		}
		p.Sizes = append(p.Sizes, ui.SizeLink{Size: s, Path: BinListPath(q), Active: s == size})
	}
	return p
}

// able counts the batches that can be extended.
func (v BinExtendView) able() (n int) {
	for _, b := range v.Batches {
		if b.WhyNot == "" {
			n++
		}
	}
	return n
}

func binExtendWhy(ctx context.Context, v BinExtendView) string {
	if v.able() == 0 {
		return locale.T(ctx, "bin.extend_none")
	}
	return ""
}

func batchListTabs(ctx context.Context, v BatchListView) []ui.TabView {
	var tabs []ui.TabView
	for _, s := range []string{"", "restorable", "expired", "frozen"} {
		key := s
		if key == "" {
			key = "all"
		}
		q := BinQuery{State: s, Text: v.Query.Text}
		tabs = append(tabs, ui.TabView{Label: locale.T(ctx, "bin.state_"+key), Path: BatchListPath(q), Active: v.Query.State == s})
	}
	return tabs
}

func batchDraftName(ctx context.Context, d BatchDraftRow) string {
	switch {
	case d.Name == "":
		return locale.T(ctx, "batch.draft_unnamed")
	case d.More > 0:
		return locale.T(ctx, "batch.name_and", d.Name, d.More+1)
	case d.Sub:
		return locale.T(ctx, "bin.with_sub", d.Name)
	}
	return d.Name
}
