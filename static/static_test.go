package static

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
)

func TestVendoredFilesAreTheOnesListed(t *testing.T) {
	listed := map[string]bool{"VENDOR": true}
	for line := range strings.Lines(string(read("vendor/VENDOR"))) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(fields) != 5 {
			t.Fatalf("line %q has %d fields, want file, package, version, licence and checksum", line, len(fields))
		}
		name, want := fields[0], fields[4]
		listed[name] = true
		sum := sha256.Sum256(read("vendor/" + name))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s has checksum %s, VENDOR says %s", name, got, want)
		}
	}
	entries, err := files.ReadDir("vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !listed[e.Name()] {
			t.Errorf("%s is not listed in VENDOR", e.Name())
		}
	}
	if len(listed) < 7 {
		t.Errorf("VENDOR lists %d files, want at least 6", len(listed)-1)
	}
}

func TestOwnFilesAskForNothingElse(t *testing.T) {
	for _, name := range []string{"app.css", "app.js", "tabler.min.css", "htmx.min.js"} {
		content := string(stock().plain[name].content)
		if strings.Contains(content, "sourceMappingURL") {
			t.Errorf("%s names a source map that is not served", name)
		}
		if strings.Contains(content, "@import") {
			t.Errorf("%s imports another file", name)
		}
	}
	for _, bad := range []string{"url(", "eval(", "innerHTML"} {
		if strings.Contains(string(stock().plain["app.css"].content), bad) || strings.Contains(string(stock().plain["app.js"].content), bad) {
			t.Errorf("our own files contain %q", bad)
		}
	}
}

func TestHandler(t *testing.T) {
	tests := []struct {
		name, path string
		status     int
		kind       string
	}{
		{"serves the style under its hashed name", Path("app.css"), http.StatusOK, "text/css; charset=utf-8"},
		{"serves the script under its hashed name", Path("app.js"), http.StatusOK, "text/javascript; charset=utf-8"},
		{"serves the logo", Path("logo.svg"), http.StatusOK, "image/svg+xml"},
		{"does not serve a plain name", Prefix + "app.css", http.StatusNotFound, ""},
		{"does not serve an outdated hash", Prefix + "app.000000000000.css", http.StatusNotFound, ""},
		{"does not serve a file that is only embedded", Prefix + "vendor/VENDOR", http.StatusNotFound, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, tt.path, nil))
			if rec.Code != tt.status {
				t.Fatalf("status = %d, want %d", rec.Code, tt.status)
			}
			if tt.status != http.StatusOK {
				return
			}
			if got := rec.Header().Get("Content-Type"); got != tt.kind {
				t.Errorf("Content-Type = %q, want %q", got, tt.kind)
			}
			if got := rec.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
				t.Errorf("Cache-Control = %q, want immutable", got)
			}
			if rec.Body.Len() == 0 {
				t.Error("the body is empty")
			}
		})
	}
}

func TestEveryListedIconIsThere(t *testing.T) {
	if len(icons()) < 50 {
		t.Fatalf("%d icons, want more", len(icons()))
	}
	for name, inner := range icons() {
		if !strings.HasPrefix(inner, "<") || strings.Contains(inner, "style=") || path.Base(name) != name {
			t.Errorf("icon %s reads %q", name, inner)
		}
	}
}
