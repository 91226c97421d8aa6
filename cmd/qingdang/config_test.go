package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestReadmesListTheSettings(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		c := reflect.TypeOf(Config{})
		for i := range c.NumField() {
			f := c.Field(i)
			variable := f.Tag.Get("env")
			if variable == "" {
				continue
			}
			row := "| `" + variable + "` | "
			if d := f.Tag.Get("default"); d != "" {
				row += "`" + d + "` |"
			} else {
				row += "|"
			}
			if name == "README.md" {
				row += " " + f.Tag.Get("doc") + " |"
			}
			if !strings.Contains(string(text), row) {
				t.Errorf("%s lacks the row %q", name, row)
			}
		}
	}
}

func TestConfigNamesWhatItCannotRead(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(secret, []byte("user:pw@tcp(db)/q\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(env(map[string]string{"QINGDANG_DSN_FILE": secret, "QINGDANG_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.0/24"}))
	if err != nil || c.DSN != "user:pw@tcp(db)/q" || len(c.proxies) != 2 || c.Keys != filepath.Join("var", "keys") || c.location.String() != "Asia/Shanghai" || c.collect != 200 {
		t.Errorf("config = %+v, %v", c, err)
	}
	for name, pairs := range map[string]map[string]string{
		"QINGDANG_DSN":             {"QINGDANG_DSN": "x", "QINGDANG_DSN_FILE": secret},
		"QINGDANG_ROOT_KEY_FILE":   {"QINGDANG_ROOT_KEY_FILE": "/no/such/file"},
		"QINGDANG_ROOT_KEY":        {"QINGDANG_ROOT_KEY": "abc"},
		"QINGDANG_ZONE":            {"QINGDANG_ZONE": "Mars/Olympus"},
		"QINGDANG_HTTPS":           {"QINGDANG_HTTPS": "perhaps"},
		"QINGDANG_UPLOAD_MB":       {"QINGDANG_UPLOAD_MB": "-1"},
		"QINGDANG_KEY_BACKUP_DAYS": {"QINGDANG_KEY_BACKUP_DAYS": "31"},
		"QINGDANG_KEY_BACKUPS":     {"QINGDANG_KEY_BACKUPS": "./var/keys/backups"},
		"GOGC":                     {"GOGC": "abc"},
		"QINGDANG_SUITE":           {"QINGDANG_SUITE": "rot13"},
		"QINGDANG_TRUSTED_PROXIES": {"QINGDANG_TRUSTED_PROXIES": "everywhere"},
	} {
		if _, err := loadConfig(env(pairs)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v; the error must name the variable", name, err)
		}
	}
}
