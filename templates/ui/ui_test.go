package ui

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"qingdang/static"
	"qingdang/templates/locale"
)

func draw(t *testing.T, c templ.Component) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.Render(WithCSRF(locale.With(t.Context(), locale.Chinese, nil), "token"), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestEveryStatusHasWordsAndItsLookAnIcon(t *testing.T) {
	for code, look := range looks {
		area, state, _ := strings.Cut(code, ".")
		if !locale.Has(StatusKey(area, state)) {
			t.Errorf("%s has no words", StatusKey(area, state))
		}
		if _, ok := static.Icon(look.icon); look.icon != "" && !ok {
			t.Errorf("%s has icon %q, which is not vendored", code, look.icon)
		}
	}
}

func TestTimeLeft(t *testing.T) {
	now := time.Date(2026, 11, 20, 6, 32, 0, 0, time.UTC)
	tests := []struct {
		name   string
		left   time.Duration
		has    string
		hasNot string
	}{
		{"is red on the last day", 24*time.Hour - time.Minute, "qd-badge-danger", "qd-badge-warning"},
		{"is amber on the day before", 24 * time.Hour, "qd-badge-warning", "qd-badge-danger"},
		{"is plain before that", 48 * time.Hour, "2 天", "qd-badge"},
		{"is red and nothing when it is over", -time.Hour, "0 秒", "qd-badge-warning"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := draw(t, TimeLeft(now.Add(tt.left), now))
			if !strings.Contains(out, tt.has) || strings.Contains(out, tt.hasNot) {
				t.Errorf("%v left reads %s", tt.left, out)
			}
			if !strings.Contains(out, `datetime="2026-11-`) {
				t.Error("the end itself is missing")
			}
		})
	}
}

func TestFieldTellsItsErrorToScreenReaders(t *testing.T) {
	out := draw(t, Input(InputView{FieldView: FieldView{ID: "reason", Label: "原因", Hint: "写入报告", Error: "太短", Required: true}, Name: "reason", Value: `<"`}))
	for _, want := range []string{`for="reason"`, `id="reason"`, `aria-invalid="true"`, `aria-describedby="reason-error reason-hint"`, `id="reason-error"`, `id="reason-hint"`, "原因（必填）", `value="&lt;&#34;"`, " required"} {
		if !strings.Contains(out, want) {
			t.Errorf("the field lacks %s:\n%s", want, out)
		}
	}
	if out := draw(t, Input(InputView{FieldView: FieldView{ID: "q", Label: "词"}, Name: "q"})); strings.Contains(out, "aria-") {
		t.Errorf("a plain field has aria attributes: %s", out)
	}
}

func TestFinalButtonSaysWhyItIsDisabled(t *testing.T) {
	out := draw(t, FinalButton(Danger, "flame", "彻底删除 12 条", "还差 1 项"))
	if !strings.Contains(out, "disabled") || !strings.Contains(out, "aria-describedby") || !strings.Contains(out, "还差 1 项") {
		t.Errorf("the button does not say why: %s", out)
	}
	if out := draw(t, FinalButton(Warning, "", "将 3 条移入回收站", "")); strings.Contains(out, "disabled") || !strings.Contains(out, "btn-outline-danger") {
		t.Errorf("a move to the bin is an outlined button that works: %s", out)
	}
}

func TestConfirmHasTheSafeWayFirst(t *testing.T) {
	out := draw(t, Confirm(ConfirmView{Title: "彻底删除 12 条会话？", Kind: Danger, Button: "彻底删除 12 条", Back: "/purges/1"}))
	if back, act := strings.Index(out, `href="/purges/1"`), strings.Index(out, "btn-danger"); back < 0 || act < 0 || back > act {
		t.Errorf("the way back stands at %d, the act at %d", back, act)
	}
	if strings.Contains(out, "autofocus") {
		t.Error("something in a confirmation takes the focus by itself")
	}
}

func TestPages(t *testing.T) {
	tests := []struct {
		name          string
		current, last int
		want          []int
	}{
		{"one page", 1, 1, []int{1}},
		{"few pages", 2, 4, []int{1, 2, 3, 4}},
		{"the first of many", 1, 1285, []int{1, 2, 3, 4, 5, 0, 1285}},
		{"the middle of many", 600, 1285, []int{1, 0, 598, 599, 600, 601, 602, 0, 1285}},
		{"the last of many", 1285, 1285, []int{1, 0, 1283, 1284, 1285}},
		{"no pages", 1, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			for _, link := range Pages(tt.current, tt.last, func(int) string { return "?" }) {
				got = append(got, link.Number)
				if link.Active != (link.Number == tt.current) {
					t.Errorf("page %d active = %v", link.Number, link.Active)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// The field for a page's number sends along whatever stands in the address of the first page.
func TestJumpTo(t *testing.T) {
	got := JumpTo("/c?q=%E9%80%80+a%26b&type=x,y%2Cz&size=50", 9)
	want := Jump{Path: "/c", Most: 9, Fields: []JumpField{{"q", "退 a&b"}, {"type", "x,y,z"}, {"size", "50"}}}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(JumpTo("/c", 2), Jump{Path: "/c", Most: 2}) {
		t.Errorf("%+v", got)
	}
}

func TestAPagerSaysWhichPageOfHowManyItIs(t *testing.T) {
	numbers := func(current, last int) []PageLink { return Pages(current, last, func(int) string { return "?" }) }
	for want, p := range map[string]PagerView{
		"第 3 / 9 页":     {Pages: numbers(3, 9)},
		"第 501 / 643 页": {At: 501, Of: 643},
		"第 500 / 643 页": {At: 500, Of: 643, Pages: numbers(500, 500)},
	} {
		if out := draw(t, Pager(p)); !strings.Contains(out, want) {
			t.Errorf("%s lacks %s", out, want)
		}
	}
	if out := draw(t, Pager(PagerView{Prev: "?", Next: "?"})); strings.Contains(out, "qd-page-at") || strings.Contains(out, "qd-jump") {
		t.Errorf("a pager without numbers is %s", out)
	}
}

func TestTreeSaysWhatIsChosen(t *testing.T) {
	out := draw(t, Tree(TreeView{ID: "d", Label: "部门", Name: "dept", Nodes: []Node{{ID: "1", Name: "杭州", All: 486120, Mixed: true, Open: true, Children: []Node{
		{ID: "2", Name: "一店", All: 1204, Matching: 318, Known: true, Checked: true},
		{ID: "3", Name: "二店", All: 7, More: true, Load: "/partials/dept/3"},
	}}}}))
	for _, want := range []string{`aria-checked="mixed"`, `aria-checked="true"`, `aria-checked="false"`, `aria-level="2"`, `aria-expanded="true"`, `aria-expanded="false"`, `hx-get="/partials/dept/3"`, "486,120", "318", "—"} {
		if !strings.Contains(out, want) {
			t.Errorf("the tree lacks %s", want)
		}
	}
	if strings.Count(out, `name="dept"`) != 3 || strings.Count(out, " checked") != 1 {
		t.Errorf("want three boxes and one ticked:\n%s", out)
	}
}

func TestChartsKeepTheirProportions(t *testing.T) {
	w := WaterfallView{Steps: []WaterStep{{Value: 100}, {Value: 30}, {Value: 20}, {Value: 50}}}
	for i, want := range [][2]int64{{100, 0}, {100, 70}, {70, 50}, {50, 0}} {
		if w.upper(i) != want[0] || w.lower(i) != want[1] {
			t.Errorf("step %d goes from %d to %d, want %v", i, w.upper(i), w.lower(i), want)
		}
	}
	for value, want := range map[int64]int64{0: 2, 1: 2, 7: 8, 1027: 1200, 5000: 6000, 30218: 40000} {
		if got := ceiling(value); got < value || got > max(2*want, 4) {
			t.Errorf("the axis for %d ends at %d", value, got)
		}
	}
	half := RingView{Start: time.Unix(0, 0), End: time.Unix(7200, 0), Now: time.Unix(3600, 0)}
	if half.dash() != "50 100" || half.clock() != "01:00" {
		t.Errorf("half of two hours reads %s, %s", half.dash(), half.clock())
	}
	over := RingView{Start: time.Unix(0, 0), End: time.Unix(7200, 0), Now: time.Unix(9000, 0)}
	if over.dash() != "100 100" || over.clock() != "00:00" {
		t.Errorf("an end that is past reads %s, %s", over.dash(), over.clock())
	}
}
