package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/templates/ui"
)

// errStaleForm says that a form's token is missing or of another session.
var errStaleForm = errors.New("web: form token does not fit")

// FormToken is the token that every form of this session carries. It is bound to the
// session, or before the login to a random cookie.
func FormToken(c echo.Context) string {
	a, s := appOf(c), stateOf(c)
	switch {
	case s.session != nil:
		return a.formToken("session", s.token)
	case s.nonce != "":
		return a.formToken("anonymous", s.nonce)
	}
	s.nonce = rand.Text()
	a.setCookie(c, formCookie, s.nonce, 0)
	return a.formToken("anonymous", s.nonce)
}

func (a *App) formToken(kind, of string) string {
	mac := hmac.New(sha256.New, a.formKey)
	mac.Write([]byte(kind + "\x00" + of))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// checkForm compares the token of an unsafe request. A script sends it as a header,
// a form as a field, an upload as the first part of its body.
func (a *App) checkForm(c echo.Context, r Route) error {
	req, s := c.Request(), stateOf(c)
	if s.session == nil && s.nonce == "" {
		return errStaleForm
	}
	sent := req.Header.Get(ui.CSRFHeader)
	kind, _, _ := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	switch {
	case r.Upload && kind == echo.MIMEMultipartForm:
		field, err := a.openUpload(c)
		if err != nil {
			return err
		}
		sent = orElse(sent, field)
	case sent == "" && kind == echo.MIMEApplicationForm:
		if err := req.ParseForm(); err != nil {
			return err
		}
		sent = req.PostForm.Get(ui.CSRFName)
	}
	if !hmac.Equal([]byte(sent), []byte(FormToken(c))) {
		return errStaleForm
	}
	return nil
}
