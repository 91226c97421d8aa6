package templates

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// lastOfPath is the department's own name.
func lastOfPath(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func shortDayOrDash(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return locale.None
	}
	return locale.ShortDay(ctx, t)
}

// inspectionItemAct is the word of an item's link.
func inspectionItemAct(ctx context.Context, v InspectionView, i InspectionItem) string {
	if v.CanRun && (i.Verdict == "" || i.Verdict == "later") {
		return locale.T(ctx, "inspection.do_check")
	}
	return locale.T(ctx, "inspection.look")
}

func (s InspectionSigner) shown(ctx context.Context) string {
	if s.Name == "" {
		return locale.T(ctx, "inspection.nobody_yet")
	}
	return s.Name
}

func (s InspectionSigner) initial() string {
	if s.Name == "" {
		return "·"
	}
	r, _ := utf8.DecodeRuneInString(s.Name)
	return string(r)
}

// errorOf is the error of a field of one of the page's forms, which share field names.
func (v InspectionView) errorOf(ctx context.Context, act, field string) string {
	if v.Entry.Act != act {
		return ""
	}
	return v.Problems.at(ctx, field)
}

// field is a field of a finding's form. Only the form that was refused has the plain id that the
// summary of errors points to.
func (v InspectionView) field(ctx context.Context, f InspectionFinding, act, name, key string) ui.FieldView {
	out := ui.FieldView{ID: name + "-" + strconv.Itoa(f.N), Label: locale.T(ctx, key), Required: true}
	if v.Entry.Act == act && v.Entry.Finding == f.N {
		out.ID, out.Error = name, v.Problems.at(ctx, name)
	}
	return out
}

func (v InspectionView) typed(f InspectionFinding, value string) string {
	if v.Entry.Finding == f.N {
		return value
	}
	return ""
}

func (v InspectionView) chosenOwner(f InspectionFinding) string {
	if typed := v.typed(f, v.Entry.Owner); typed != "" {
		return typed
	}
	return f.OwnerID
}

// newID is the id of a field of the form for a new finding: plain when that form was refused.
func (v InspectionView) newID(name string) string {
	if v.Entry.Act == "finding" {
		return name
	}
	return "new-" + name
}

// keys give the focus to the verdict, inside which y, n and s work.
func (v InspectionItemView) keys() templ.Attributes {
	if !v.CanJudge {
		return nil
	}
	return templ.Attributes{"data-keys": "on", "data-focus": "on", "tabindex": "-1"}
}
