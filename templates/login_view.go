package templates

import (
	"context"
	"net/url"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// Words is a sentence that is not yet in any language.
type Words struct {
	Key  string
	Args []any
}

// In gives the sentence in the language of ctx; no key is no sentence.
func (w Words) In(ctx context.Context) string {
	if w.Key == "" {
		return ""
	}
	return locale.T(ctx, w.Key, w.Args...)
}

// Problems are what is wrong with a form, by field; "" is the form itself.
type Problems map[string]Words

func (p Problems) at(ctx context.Context, field string) string { return p[field].In(ctx) }

// summary lists the fields with errors for the top of a form.
func (p Problems) summary(ctx context.Context, fields ...string) []ui.FieldError {
	var out []ui.FieldError
	for _, f := range fields {
		if w, ok := p[f]; ok {
			out = append(out, ui.FieldError{ID: f, Text: w.In(ctx)})
		}
	}
	return out
}

// LoginView is the page for staff number and password.
type LoginView struct {
	Login        string
	Next         string
	Problem      Words
	DemoAccounts []DemoAccount
	DemoPassword string
}

// DemoAccount is an account of sample data that anybody may try.
type DemoAccount struct {
	StaffNo string
	Name    string
	RoleKey string
}

// LoginCodeView is the page for the one-time code, or a recovery code.
type LoginCodeView struct {
	Name     string
	Next     string
	Recovery bool
	Problem  Words
	Hint     bool   // the clock of the phone may be wrong
	DemoCode string // of a sample account
}

// LoginEnrolView is the page on which the second factor is set up.
type LoginEnrolView struct {
	Name    string
	StaffNo string
	Secret  string
	QR      string
	Next    string
	Problem Words
}

// RecoveryView shows new recovery codes, once.
type RecoveryView struct {
	Codes []string
	Next  string
}

// SignedOutView answers a form that came after the session had ended.
type SignedOutView struct {
	LoginPath string
	RequestID string
	Kept      []KeptField
}

// KeptField is a text of that form.
type KeptField struct {
	Name string
	Text string
}

// SetupView is the page of a one-time link.
type SetupView struct {
	Path     string
	First    bool // makes the first administrator
	Reset    bool // a new password instead of a first one
	Name     string
	StaffNo  string
	Problems Problems
}

// AccountView is the page of the own account.
type AccountView struct {
	Name     string
	StaffNo  string
	RoleKey  string
	Sessions []AccountSession
	Password Problems
	Recovery Problems
}

// AccountSession is one place where the person is signed in.
type AccountSession struct {
	Handle    string
	Source    string
	Agent     string
	CreatedAt time.Time
	SeenAt    time.Time
	Current   bool
}

func accountSessionPath(handle string) string {
	return AccountPath + "/sessions/" + handle + "/revoke"
}

func codeTitle(ctx context.Context, v LoginCodeView) string {
	if v.Recovery {
		return locale.T(ctx, "account.enter_recovery")
	}
	return locale.T(ctx, "account.enter_code")
}

func codeContext(ctx context.Context, v LoginCodeView) string {
	if v.Recovery {
		return locale.T(ctx, "account.enter_recovery_text", v.Name)
	}
	return locale.T(ctx, "account.enter_code_text", v.Name)
}

func recoveryPath(next string) string {
	return LoginCodePath + "?" + url.Values{"recovery": {"1"}, "next": {next}}.Encode()
}
