// Package web owns the toolbox of the console: the server's middleware, sessions and
// form tokens, the table of routes, the answer to errors and the frame around every
// page. It knows no screen.
package web

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"qingdang/models/account"
	"qingdang/static"
	"qingdang/templates"
)

// Accounts is what the toolbox asks of the register of accounts.
type Accounts interface {
	Session(ctx context.Context, token string, from account.Client) (*account.Session, error)
	Touch(ctx context.Context, token string) error
	SaveData(ctx context.Context, token string, data []byte) error
	Denied(ctx context.Context, by account.Actor, permission account.Permission, route string) error
}

// Options is what the wiring decides. Accounts and Secret are needed, the rest has
// good zero values.
type Options struct {
	Accounts Accounts
	// Secret has at least 32 bytes; tokens of forms are made with it.
	Secret []byte
	// Secure says that people come by https, here or at a proxy: cookies and HSTS
	// then insist on it.
	Secure bool
	// Origin is the console's address, such as https://qingdang.example.cn, where a
	// proxy changes the Host header.
	Origin string
	// TrustedProxies may say in X-Forwarded-For whom they speak for.
	TrustedProxies []netip.Prefix

	BodyLimit   int64         // bytes of a form; 1 MiB
	UploadLimit int64         // bytes of a request to an Upload route; 1 GiB
	Timeout     time.Duration // of a request; 12 s
	SlowTimeout time.Duration // of a request to a Slow or Upload route; 10 min
	// LoginRate and LoginBurst bound requests to Limited routes, per address.
	LoginRate  rate.Limit // 20 a minute
	LoginBurst int        // 20

	// Frame adds what only the drawers know: counts of the menu, the audit chain's
	// state, the name of the data scope.
	Frame func(ctx context.Context, by account.Actor, f *templates.Frame) error
	// Unavailable tells whether an error means that the database is away.
	Unavailable func(error) bool

	Organisation string
	Version      string
	Zone         *time.Location
	Demo         bool
	Log          *slog.Logger
	Now          func() time.Time // for tests
}

// App is the server. Routes come in by Mount.
type App struct {
	*echo.Echo
	o       Options
	formKey []byte
	origins *http.CrossOriginProtection
	table   map[string]Route
	limits  *limiter
	store   *store
}

const (
	leastSecret        = 32
	defaultBodyLimit   = 1 << 20
	defaultUploadLimit = 1 << 30
	defaultTimeout     = 12 * time.Second // with frameTime an answer within 15 s
	defaultSlowTimeout = 10 * time.Minute
	defaultLoginBurst  = 20
)

func (o *Options) setDefaults() {
	o.BodyLimit = orElse(o.BodyLimit, defaultBodyLimit)
	o.UploadLimit = orElse(o.UploadLimit, defaultUploadLimit)
	o.Timeout = orElse(o.Timeout, defaultTimeout)
	o.SlowTimeout = orElse(o.SlowTimeout, defaultSlowTimeout)
	o.LoginRate = orElse(o.LoginRate, rate.Every(time.Minute/defaultLoginBurst))
	o.LoginBurst = orElse(o.LoginBurst, defaultLoginBurst)
	o.Log = orElse(o.Log, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// New sets the server up. It serves the static files and nothing else until Mount.
func New(o Options) (*App, error) {
	if o.Accounts == nil || len(o.Secret) < leastSecret {
		return nil, errors.New("web: accounts and a secret of at least 32 bytes are needed")
	}
	o.setDefaults()
	key, err := hkdf.Key(sha256.New, o.Secret, nil, "qingdang web form token", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("web: derive key: %w", err)
	}
	origins := http.NewCrossOriginProtection()
	if o.Origin != "" {
		if err := origins.AddTrustedOrigin(o.Origin); err != nil {
			return nil, fmt.Errorf("web: origin: %w", err)
		}
	}
	a := &App{
		Echo: echo.New(), o: o, formKey: key, origins: origins,
		table: map[string]Route{}, limits: newLimiter(o.LoginRate, o.LoginBurst, o.Now),
	}
	a.store = &store{app: a}
	a.HideBanner, a.HidePort = true, true
	a.Echo.IPExtractor = extractor(o.TrustedProxies)
	a.HTTPErrorHandler = a.answer
	a.Binder = noBinder{}
	a.Use(a.identify, a.report, a.headers, a.bound, a.rescue, a.sameSite, a.session, a.dress, a.admit)
	return a, a.Mount(Route{
		Method: http.MethodGet, Path: static.Prefix + "*", Permission: Public, Plain: true, Handler: echo.WrapHandler(static.Handler()),
	})
}

// extractor takes the caller's address from the connection, unless trusted proxies
// are named: anybody can write an X-Forwarded-For.
func extractor(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trust = append(trust, echo.TrustIPRange(ipNet(p)))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}
