package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"qingdang/models/account"
)

// ErrNoWRK says that the tool that asks is not there.
var ErrNoWRK = errors.New("bench: wrk is not installed (Debian: apt-get install wrk)")

// wrk asks for one address on several connections at once.
type wrk struct{ flags []string }

func newWRK(o PagesOptions) (*wrk, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, ErrNoWRK
	}
	return &wrk{[]string{"-t1", "-c" + strconv.Itoa(o.Connections), "-d" + strconv.Itoa(o.Seconds) + "s", "--latency", "--timeout", "30s"}}, nil
}

// load is what one turn gave.
type load struct {
	Rate float64       `json:"rate"` // answers a second
	P50  time.Duration `json:"p50"`
	P99  time.Duration `json:"p99"`
}

var (
	rateLine = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	partLine = regexp.MustCompile(`(?m)^\s+(50|99)%\s+(\S+)\s*$`)
	badLine  = regexp.MustCompile(`Non-2xx or 3xx responses: \d+|Socket errors: .*`)
)

// run is one turn. An answer that is not one makes it fail: a page of errors is fast.
func (w *wrk) run(ctx context.Context, address, cookie string) (l load, err error) {
	args := append([]string{}, w.flags...)
	if cookie != "" {
		args = append(args, "-H", "Cookie: "+cookie)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, address)...).CombinedOutput()
	if err != nil {
		return l, fmt.Errorf("wrk: %w: %s", err, out)
	}
	return readWRK(string(out))
}

func readWRK(out string) (l load, err error) {
	if bad := badLine.FindString(out); bad != "" {
		return l, errors.New("wrk: " + bad)
	}
	rate := rateLine.FindStringSubmatch(out)
	if rate == nil {
		return l, fmt.Errorf("wrk said: %s", out)
	}
	if l.Rate, err = strconv.ParseFloat(rate[1], 64); err != nil {
		return l, err
	}
	for _, m := range partLine.FindAllStringSubmatch(out, -1) {
		d, err := time.ParseDuration(m[2])
		if err != nil {
			return l, err
		}
		if m[1] == "50" {
			l.P50 = d
		} else {
			l.P99 = d
		}
	}
	return l, nil
}

var hidden = regexp.MustCompile(`<input type="hidden" name="_csrf" value="([^"]+)"`)

// signIn logs the supervisor in as a browser does and gives the cookies.
func signIn(ctx context.Context, base string, accounts *account.Accounts) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	c := &http.Client{Jar: jar}
	page, err := fetch(c.Get(base + "/login"))
	if err != nil {
		return "", err
	}
	post := func(path string, form url.Values) error {
		token := hidden.FindStringSubmatch(page)
		if token == nil {
			return fmt.Errorf("bench: no form at %s", path)
		}
		form.Set("_csrf", token[1])
		page, err = fetch(c.PostForm(base+path, form))
		return err
	}
	if err := post("/login", url.Values{"login": {supervisor}, "password": {benchPassword}}); err != nil {
		return "", err
	}
	code, err := accounts.DemoCode(ctx, supervisor)
	if err != nil {
		return "", err
	}
	if err := post("/login/otp", url.Values{"code": {code}}); err != nil {
		return "", err
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	var cookies []string
	for _, k := range jar.Cookies(u) {
		cookies = append(cookies, k.Name+"="+k.Value)
	}
	return strings.Join(cookies, "; "), nil
}

// there makes sure that an address answers with a page: wrk takes a redirection, which is fast, for one.
func there(ctx context.Context, address, cookie string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Cookie", cookie)
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	_, err = fetch(c.Do(r))
	return err
}

func fetch(r *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return "", err
	}
	if r.StatusCode != http.StatusOK {
		return "", fmt.Errorf("bench: %s answered %s", r.Request.URL.Path, r.Status)
	}
	return string(body), nil
}
