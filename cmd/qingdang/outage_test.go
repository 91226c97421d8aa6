package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"qingdang/models/db/dbtest"
)

// While the database is away every page says so in the user's language, and when it is back the
// console works on without a restart.
func TestDatabaseGoneIsSaidAndSurvived(t *testing.T) {
	dir, err := os.MkdirTemp("", "qd-gone-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	server, err := dbtest.StartServer(dir)
	if err != nil {
		dbtest.Missing(t, err.Error())
	}
	t.Cleanup(func() { server.Kill() })
	dsn, err := dbtest.CreateDatabase(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	a := openAppAt(t, dsn, t.TempDir(), nil)
	h, err := a.handler()
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(h)
	t.Cleanup(site.Close)
	ask := func(lang string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL+"/conversations", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Language", lang)
		r.AddCookie(&http.Cookie{Name: "qd", Value: strings.Repeat("A", 43)})
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if status, _ := ask("zh-CN"); status != http.StatusSeeOther {
		t.Fatalf("with the database there: %d, want the way to the login", status)
	}
	server.Kill()
	for lang, words := range map[string]string{"zh-CN": "服务暂不可用", "en": "unavailable"} {
		if status, body := ask(lang); status != http.StatusServiceUnavailable || !strings.Contains(strings.ToLower(body), words) {
			t.Errorf("%s, with the database gone: %d, %q not said", lang, status, words)
		}
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if status, _ := ask("zh-CN"); status != http.StatusSeeOther {
		t.Errorf("with the database back: %d; the console needs a restart", status)
	}
}
