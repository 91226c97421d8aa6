package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"qingdang/templates"
	"qingdang/templates/ui"
)

// secretFields are never shown again, not even to the person who typed them.
var secretFields = []string{ui.CSRFName, "password", "present", "code", "token"}

// signedOutPage answers a form that was sent after the session had ended. Nothing
// was done; what was written stands on the page, to be copied.
func (a *App) signedOutPage(c echo.Context) error {
	view := templates.SignedOutView{LoginPath: loginAddress(a.frame(c).Path), RequestID: RequestID(c), Kept: kept(c)}
	return a.render(c, http.StatusUnauthorized, templates.SignedOutPage(view))
}

// kept gives the texts of a form that are long enough to be missed, by field name. A
// body that is no form is left unread.
func kept(c echo.Context) []templates.KeptField {
	const worthwhile, most = 4, 20
	req := c.Request()
	if !strings.HasPrefix(req.Header.Get(echo.HeaderContentType), echo.MIMEApplicationForm) || req.ParseForm() != nil {
		return nil
	}
	var out []templates.KeptField
	for name, values := range req.PostForm {
		if slices.Contains(secretFields, name) || strings.HasSuffix(name, "_key") {
			continue
		}
		for _, v := range values {
			if len([]rune(v)) >= worthwhile {
				out = append(out, templates.KeptField{Name: name, Text: v})
			}
		}
	}
	slices.SortFunc(out, func(x, y templates.KeptField) int { return strings.Compare(x.Name, y.Name) })
	return out[:min(len(out), most)]
}
