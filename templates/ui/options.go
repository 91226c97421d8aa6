package ui

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Options are the choices of a select, before each label the same words. It writes them itself: departments may be
// hundreds, and for so many texts templ takes longer than for the rest of a page.
func Options(list []Option, before string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b []byte
		for _, o := range list {
			b = append(b[:0], `<option value="`...)
			b = append(b, templ.EscapeString(o.Value)...)
			b = append(b, '"')
			if o.Chosen {
				b = append(b, " selected"...)
			}
			if o.Disabled {
				b = append(b, " disabled"...)
			}
			b = append(b, '>')
			b = append(b, templ.EscapeString(before)...)
			b = append(b, indent(o.Depth)...)
			b = append(b, templ.EscapeString(o.Label)...)
			b = append(b, "</option>"...)
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		return nil
	})
}

// indents are those of the deepest level that has one of its own: the fortieth fits on a phone still.
const indents = "\u2003\u2003\u2003\u2003\u2003\u2003\u2003\u2003\u2003\u2003"

func indent(depth int) string { return indents[:min(len("\u2003")*depth, len(indents))] }
