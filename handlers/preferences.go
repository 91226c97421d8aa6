package handlers

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"qingdang/models/account"
	"qingdang/models/fault"
	"qingdang/templates"
	"qingdang/templates/locale"
	"qingdang/web"
)

// Preferences are language and theme, also before signing in.
type Preferences struct {
	Accounts interface {
		SetPreference(ctx context.Context, by account.Actor, lang, theme string) error
		SetShortcuts(ctx context.Context, by account.Actor, on bool) error
	}
}

type preferenceForm struct {
	Language string `form:"language"`
	Theme    string `form:"theme"`
	Return   string `form:"return"`
}

// Language answers POST /preferences/language.
func (h *Preferences) Language(c echo.Context) error {
	var form preferenceForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if !slices.Contains(locale.Languages(), locale.Lang(form.Language)) {
		return fault.Invalid("fault.bad_form")
	}
	return h.keep(c, form.Language, "", form.Return)
}

// Theme answers POST /preferences/theme.
func (h *Preferences) Theme(c echo.Context) error {
	var form preferenceForm
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if !slices.Contains([]string{templates.ThemeLight, templates.ThemeDark, templates.ThemeAuto}, form.Theme) {
		return fault.Invalid("fault.bad_form")
	}
	return h.keep(c, "", form.Theme, form.Return)
}

// Shortcuts answers POST /preferences/shortcuts: whether single letters do something on the pages.
func (h *Preferences) Shortcuts(c echo.Context) error {
	var form struct {
		On bool `form:"on"`
	}
	if err := web.Form(c, &form); err != nil {
		return err
	}
	if err := h.Accounts.SetShortcuts(c.Request().Context(), web.Actor(c), form.On); err != nil {
		return err
	}
	web.Flash(c, map[bool]string{true: "account.shortcuts_were_on", false: "account.shortcuts_were_off"}[form.On])
	return web.See(c, templates.AccountPath)
}

func (h *Preferences) keep(c echo.Context, lang, theme, back string) error {
	if by := web.Actor(c); by.ID != 0 {
		if err := h.Accounts.SetPreference(c.Request().Context(), by, lang, theme); err != nil {
			return err
		}
	}
	web.Remember(c, lang, theme)
	return web.See(c, web.BackPath(back))
}
