package web

import (
	"context"
	"encoding/gob"
	"time"

	"github.com/labstack/echo/v4"

	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// note is a flash as the session keeps it: a key and its arguments, so that it is
// shown in the language of the page that shows it.
type note struct {
	Kind string
	Key  string
	Args []any
	Undo string
	Link string
	Text string // key of the link's label
}

func init() {
	gob.Register(note{})
	gob.Register(time.Time{})
	gob.Register(locale.Key(""))
}

// mostNotes bounds what waits to be shown.
const mostNotes = 5

// Flash says on the next page what was done. Args are strings, numbers, times or
// locale.Key.
func Flash(c echo.Context, key string, args ...any) {
	keep(c, note{Kind: ui.Success, Key: key, Args: args})
}

// FlashUndo is Flash with a way back: undo is posted to.
func FlashUndo(c echo.Context, undo, key string, args ...any) {
	keep(c, note{Kind: ui.Success, Key: key, Args: args, Undo: undo})
}

// FlashLink is Flash with a link on.
func FlashLink(c echo.Context, link, labelKey, key string, args ...any) {
	keep(c, note{Kind: ui.Success, Key: key, Args: args, Link: link, Text: labelKey})
}

// FlashError says on the next page, as a banner that stays, what was not done.
func FlashError(c echo.Context, key string, args ...any) {
	keep(c, note{Kind: ui.Danger, Key: key, Args: args})
}

// keep stores a note. What was done is done: if the note is lost, only the log
// says so.
func keep(c echo.Context, n note) {
	a := appOf(c)
	err := func() error {
		s, err := a.store.Get(c.Request(), sessionCookie)
		if err != nil {
			return err
		}
		if waiting, _ := s.Values["_flash"].([]any); len(waiting) >= mostNotes {
			return nil
		}
		s.AddFlash(n)
		return s.Save(c.Request(), c.Response())
	}()
	if err != nil {
		a.o.Log.WarnContext(c.Request().Context(), "keep flash", "id", RequestID(c), "error", err)
	}
}

// flashes takes the waiting notes for the page that shows them.
func (a *App) flashes(ctx context.Context, c echo.Context) []templates.Flash {
	if Session(c) == nil {
		return nil
	}
	s, err := a.store.Get(c.Request(), sessionCookie)
	if err != nil {
		a.o.Log.WarnContext(ctx, "read flashes", "id", RequestID(c), "error", err)
		return nil
	}
	waiting := s.Flashes()
	if len(waiting) == 0 {
		return nil
	}
	if err := s.Save(c.Request(), c.Response()); err != nil {
		// Then it is shown once more, which is better than never.
		a.o.Log.WarnContext(ctx, "take flashes", "id", RequestID(c), "error", err)
	}
	out := make([]templates.Flash, 0, len(waiting))
	for _, w := range waiting {
		n, ok := w.(note)
		if !ok {
			continue
		}
		f := templates.Flash{Kind: n.Kind, Text: locale.T(ctx, n.Key, n.Args...), UndoAction: n.Undo, Link: n.Link}
		if n.Text != "" {
			f.LinkText = locale.T(ctx, n.Text)
		}
		out = append(out, f)
	}
	return out
}
