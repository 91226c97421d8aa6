package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"

	"github.com/labstack/echo/v4"

	"qingdang/models/fault"
	"qingdang/templates/ui"
)

// openUpload starts to read a multipart body as a stream and gives the form token,
// which must be its first part. Nothing is parked on disk, where chat text would
// lie unsealed.
func (a *App) openUpload(c echo.Context) (token string, err error) {
	const longest = 128
	reader, err := c.Request().MultipartReader()
	if err != nil {
		return "", fault.Invalid("fault.bad_form")
	}
	part, err := reader.NextPart()
	switch {
	case errors.Is(err, io.EOF):
		return "", errStaleForm
	case err != nil:
		return "", fmt.Errorf("read upload: %w", err)
	case part.FormName() != ui.CSRFName:
		return "", errStaleForm
	}
	value, err := io.ReadAll(io.LimitReader(part, longest))
	if err != nil {
		return "", fmt.Errorf("read upload: %w", err)
	}
	c.Set(keyUpload, reader)
	return string(value), nil
}

// Upload gives the parts of an Upload route's body after the form token, in the
// order in which the form has them.
func Upload(c echo.Context) (*multipart.Reader, error) {
	reader, ok := c.Get(keyUpload).(*multipart.Reader)
	if !ok {
		return nil, fault.Invalid("fault.bad_form")
	}
	return reader, nil
}
