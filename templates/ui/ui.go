// Package ui holds the widgets that pages are made of: each a component with a
// small struct of values. Widgets decide nothing; words come from the catalogue,
// looks from classes, and all of them work without script.
package ui

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"qingdang/static"
)

// Kinds of colour. The empty kind is neutral grey. Danger is for loss of data,
// errors and breaches only; Hold for legal holds only.
const (
	Primary = "primary"
	Success = "success"
	Warning = "warning"
	Danger  = "danger"
	Hold    = "hold"
	Outline = "outline"
)

type csrfKey struct{}

// WithCSRF returns a context whose forms carry token.
func WithCSRF(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, csrfKey{}, token)
}

// CSRF returns the token of ctx, or nothing outside a request.
func CSRF(ctx context.Context) string {
	token, _ := ctx.Value(csrfKey{}).(string)
	return token
}

// CSRFName is the name of the form field that carries the token; CSRFHeader is
// the header that htmx requests carry it in.
const (
	CSRFName   = "_csrf"
	CSRFHeader = "X-CSRF-Token"
)

// OnceName is the name of the form field whose value makes a submit count once.
const OnceName = "request_key"

// glyph returns the inside of an icon, or a crossed box that is seen in review.
func glyph(name string) string {
	if inner, ok := static.Icon(name); ok {
		return inner
	}
	return `<path d="M4 4h16v16h-16z"/><path d="M4 4l16 16"/>`
}

// anchor makes an id that is stable for a text, for widgets whose caller gave none.
func anchor(prefix, text string) string {
	sum := sha256.Sum256([]byte(text))
	return prefix + "-" + hex.EncodeToString(sum[:4])
}

func iso(t time.Time) string { return t.Format(time.RFC3339) }

// described joins the ids of what describes a control; empty ones are left out.
func described(ids ...string) string {
	out := ""
	for _, id := range ids {
		if id == "" {
			continue
		}
		if out != "" {
			out += " "
		}
		out += id
	}
	return out
}

// when returns text if cond holds.
func when(cond bool, text string) string {
	if cond {
		return text
	}
	return ""
}
