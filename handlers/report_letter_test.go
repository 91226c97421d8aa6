package handlers_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/id"
	"qingdang/models/report"
	"qingdang/web"
	"qingdang/web/webtest"
)

// The letters are reached from the rows of batch and bin and by a conversation's number; what is for
// the sender stays on the page, and each language has its own file.
func TestAnswerLettersAreReachedAndFetched(t *testing.T) {
	w := newWizard(t)
	page := w.discard(t)
	letter := regexp.MustCompile(`href="(/letters/\d+)" aria-label="(C-\S+) 的答复函"`)
	rows := letter.FindAllStringSubmatch(w.client.Get(t, page).Want(t, 200).Body, -1)
	if len(rows) != 6 {
		t.Fatalf("%d rows of the batch lead to a letter, want 6", len(rows))
	}
	if n := len(letter.FindAllString(w.client.Get(t, "/bin?view=item").Want(t, 200, `href="/letters"`).Body, -1)); n != 6 {
		t.Errorf("%d rows of the bin lead to a letter, want 6", n)
	}
	w.client.Post(t, page+"/undo", nil).WantRedirect(t, page)
	w.client.Get(t, page).Want(t, 200, "C-2").Lacks(t, "/letters/") // what is back in the archive needs none
	w.discard(t)

	log := &audit.Log{DB: w.d}
	desk := &report.Evidence{DB: w.d, Log: log, Organisation: "云栖优品集团"}
	site := letterSite(t, &handlers.Screens{Letters: &handlers.Letters{Facts: desk}})
	c := site.As(w.boss)
	path, code := rows[0][1], rows[0][2]
	c.Get(t, "/letters").Want(t, 200, "客户问的是哪一条会话", `name="code"`)
	c.Get(t, "/letters?code=+"+strings.ToLower(code)+"+").WantRedirect(t, path)
	c.Get(t, "/letters?code=SC-20261120-003").Want(t, http.StatusUnprocessableEntity, "这不是会话编号", "SC-20261120-003")
	c.Get(t, path).Want(t, 200, "寄出前请核对收件人", `class="qd-paper-note no-print"`, "UTC+8")
	for lang, want := range map[string]struct{ has, not string }{
		"en":    {`"Inquiry"`, "咨询”"},
		"zh-CN": {"“咨询”", "Inquiry"},
	} {
		got := c.Get(t, path+".pdf?lang="+lang).Want(t, 200)
		if name := got.Header.Get("Content-Disposition"); !strings.Contains(name, "letter-"+code+"-"+lang+".pdf") {
			t.Errorf("%s: the file is %s", lang, name)
		}
		text := pdfText(t, got.Body)
		for _, wrong := range []string{want.not, "核对收件人", "check the addressee"} {
			if strings.Contains(text, wrong) {
				t.Errorf("%s: the letter says %q:\n%s", lang, wrong, text)
			}
		}
		if !strings.Contains(text, want.has) || !strings.Contains(text, "UTC+8") {
			t.Errorf("%s: no %q or no zone in\n%s", lang, want.has, text)
		}
	}
	site.As(accounttest.Actor(account.Admin)).Get(t, "/letters").Want(t, http.StatusForbidden)
	first, _ := conversation.ParseCode(code)
	site.As(accounttest.Actor(account.Supervisor, w.city+99)).Get(t, "/letters/"+id.String(first)).Want(t, http.StatusNotFound)
}

func letterSite(t *testing.T, screens *handlers.Screens) *webtest.Site {
	t.Helper()
	var routes []web.Route
	for _, r := range screens.Routes() {
		if strings.HasPrefix(r.Path, "/letters") {
			routes = append(routes, r)
		}
	}
	return webtest.Start(t, routes)
}

// pdfText is what a PDF reads.
func pdfText(t *testing.T, file string) string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("pdftotext is not installed (.ci/prepare installs poppler-utils)")
	}
	path := filepath.Join(t.TempDir(), "letter.pdf")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
