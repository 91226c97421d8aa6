package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"

	"github.com/labstack/echo/v4"
)

// Keys of what the middleware leaves in Echo's context.
const (
	keyRequestID = "web.request_id"
	keyApp       = "web.app"
	keyState     = "web.state"
	keyFrame     = "web.frame"
	keyUpload    = "web.upload"
	keyDenied    = "web.denied"
)

// RequestID names the request in answers, logs and the audit log. It is ours: what
// the client sends is not used.
func RequestID(c echo.Context) string {
	id, _ := c.Get(keyRequestID).(string)
	return id
}

func (a *App) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := rand.Text()[:12]
		c.Set(keyApp, a)
		c.Set(keyRequestID, id)
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

// report logs one line per request: the route's pattern, never the address that was
// asked for, which may hold what people search.
func (a *App) report(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := a.o.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		level := slog.LevelInfo
		if r, ok := a.route(c); ok && r.Plain {
			level = slog.LevelDebug
		}
		a.o.Log.LogAttrs(c.Request().Context(), level, "request",
			slog.String("id", RequestID(c)),
			slog.String("method", c.Request().Method),
			slog.String("route", c.Path()),
			slog.Int("status", c.Response().Status),
			slog.Duration("took", a.o.Now().Sub(began)),
			slog.Int64("bytes", c.Response().Size),
			slog.Uint64("user", uint64(Actor(c).ID)),
			slog.String("ip", c.RealIP()),
		)
		return nil
	}
}

// rescue turns a panic into an ordinary error. Its text is not repeated anywhere
// but in the log.
func (a *App) rescue(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch r := recover(); {
			case r == nil:
			case r == http.ErrAbortHandler:
				panic(r)
			default:
				err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			}
		}()
		return next(c)
	}
}

// policy is the content policy of every answer: nothing but our own files, no
// inline script or style, no frame around us.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

func (a *App) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		h.Set("Vary", "HX-Request")
		if a.o.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		return next(c)
	}
}

// bound gives the request its limits of size and time.
func (a *App) bound(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		size, life := a.o.BodyLimit, a.o.Timeout
		r, _ := a.route(c)
		if r.Upload {
			size = a.o.UploadLimit
		}
		if r.Upload || r.Slow {
			life = a.o.SlowTimeout
		}
		req := c.Request()
		if req.ContentLength > size {
			return echo.ErrStatusRequestEntityTooLarge
		}
		ctx, cancel := context.WithTimeout(req.Context(), life)
		defer cancel()
		req = req.WithContext(ctx)
		req.Body = http.MaxBytesReader(c.Response(), req.Body, size)
		c.SetRequest(req)
		if err := next(c); err != nil {
			c.Error(err) // here, while the request's time still runs
		}
		return nil
	}
}

// errCrossSite says that another site sent the request.
var errCrossSite = errors.New("web: request of another site")

func (a *App) sameSite(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := a.origins.Check(c.Request()); err != nil {
			return fmt.Errorf("%w: %w", errCrossSite, err)
		}
		return next(c)
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	p = p.Masked()
	return &net.IPNet{IP: net.IP(p.Addr().AsSlice()), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
