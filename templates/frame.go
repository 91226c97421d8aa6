// Package templates owns the pages: their structs, their markup and the shell
// around them. Pages are rendered from values alone; what every page needs
// travels in the context as a Frame.
package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// Themes of the console. Auto follows the reader's device.
const (
	ThemeLight = "light"
	ThemeDark  = "dark"
	ThemeAuto  = "auto"
)

// Frame is what stands around every page of one request.
type Frame struct {
	Viewer    Viewer
	Lang      locale.Lang
	Zone      *time.Location
	Theme     string // one of the themes; empty means light
	Compact   bool   // dense rows, a setting of the user
	Shortcuts bool   // single-key shortcuts, a setting of the user
	CSRF      string
	Path      string // this page with its query, to return to after a POST
	Query     string // what stands in the global search field
	Menu      []MenuGroup
	ScopeName string

	JobsRunning int64
	Notices     int64
	Links       FrameLinks
	Flashes     []Flash
	Alert       string // red banner on every page: the audit chain is broken

	ChainOK        bool
	ChainCheckedAt time.Time // zero: not checked yet
	Version        string
	Organisation   string
	Now            time.Time
	RequestID      string
	Demo           bool // sample data: say so
}

// Viewer is the person who is signed in; the zero Viewer is nobody.
type Viewer struct {
	Name    string
	StaffNo string
	RoleKey string // catalogue key, "role.supervisor"
	Initial string
}

// FrameLinks are the places in the top bar; an empty one is not drawn.
type FrameLinks struct {
	Jobs     string
	Inbox    string
	Help     string
	Settings string // the user's own settings
	Proof    string // the audit chain's page, from the footer of the menu
}

// MenuGroup is a part of the menu; the first has no title.
type MenuGroup struct {
	TitleKey string
	Items    []MenuItem
}

// MenuItem is one place in the menu. Key is its catalogue key; Count 0 is not
// drawn; Amber counts need action, others are volume.
type MenuItem struct {
	Key    string
	Path   string
	Places []string // all addresses of the item that the viewer may open; Path is the first
	Icon   string
	Count  int64
	Amber  bool
	Active bool
}

// Flash reports what the last request did. UndoAction is posted to.
type Flash struct {
	Kind       string // ui.Success when empty
	Text       string
	UndoAction string
	Link       string
	LinkText   string
}

type frameKey struct{}

// WithFrame returns a context whose pages have f around them. It also sets the
// language, the zone and the token of forms.
func WithFrame(ctx context.Context, f *Frame) context.Context {
	ctx = locale.With(ctx, f.Lang, f.Zone)
	ctx = ui.WithCSRF(ctx, f.CSRF)
	return context.WithValue(ctx, frameKey{}, f)
}

// FrameOf returns the frame of ctx; without one, an empty frame, so that a page
// can be rendered from a literal.
func FrameOf(ctx context.Context) *Frame {
	if f, ok := ctx.Value(frameKey{}).(*Frame); ok {
		return f
	}
	return &Frame{Lang: locale.Of(ctx), Zone: locale.Zone(ctx)}
}

func (f *Frame) theme() string {
	switch f.Theme {
	case ThemeDark, ThemeAuto:
		return f.Theme
	}
	return ThemeLight
}

// otherTheme is what the button in the top bar switches to.
func (f *Frame) otherTheme() string {
	if f.Theme == ThemeDark {
		return ThemeLight
	}
	return ThemeDark
}

func (f *Frame) otherLang() locale.Lang {
	if f.Lang == locale.English {
		return locale.Chinese
	}
	return locale.English
}

func (f *Frame) toasts() []ui.Toast {
	out := make([]ui.Toast, 0, len(f.Flashes))
	for _, flash := range f.Flashes {
		if flash.Kind == ui.Danger {
			continue // errors are banners
		}
		out = append(out, ui.Toast{
			Kind:     flash.Kind,
			Text:     flash.Text,
			UndoPath: flash.UndoAction,
			LinkPath: flash.Link,
			LinkText: flash.LinkText,
		})
	}
	return out
}

func (f *Frame) failures() []string {
	var out []string
	for _, flash := range f.Flashes {
		if flash.Kind == ui.Danger {
			out = append(out, flash.Text)
		}
	}
	return out
}

// gotoKeys are the letters that lead to a place after g.
var gotoKeys = map[string]string{
	"menu.home":          "h",
	"menu.conversations": "s",
	"menu.bin":           "b",
	"menu.purges":        "p",
	"menu.audit":         "a",
}

// avatarKind is the colour of a role's avatar.
func avatarKind(roleKey string) string {
	switch roleKey {
	case "role.legal":
		return ui.Hold
	case "role.auditor":
		return ui.Success
	case "role.agent", "role.admin":
		return ""
	}
	return ui.Primary
}
