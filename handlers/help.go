package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"qingdang/templates"
	"qingdang/web"
)

// Help is the page of words and keys.
type Help struct{}

// Show answers GET /help.
func (h *Help) Show(c echo.Context) error {
	return web.Render(c, http.StatusOK, templates.HelpPage())
}
