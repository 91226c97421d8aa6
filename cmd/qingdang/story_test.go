package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/job"
	"qingdang/models/purge"
)

// TestStory plays the product's main job on MariaDB with people in a real browser: import, search,
// batch delete without sub-departments, the residue, a restore, a purge request, two
// approvals with codes, the cooling-off, the worker, the certificate, the audit report, and
// what verify says of them before and after one byte was changed.
func TestStory(t *testing.T) {
	export := dbtest.Shared(t, "formats/neutral/conversations.jsonl")
	departments := dbtest.Shared(t, "formats/neutral/departments.csv")
	clock := dbtest.NewClock()
	a := openTestApp(t, db.MySQL, clock)
	t.Cleanup(func() { clean(t, a) })
	url := served(t, a)

	// The organisation and its people.
	if out, errOut, code := a.cli(t, clock, "departments", "import", departments); code != 0 {
		t.Fatalf("departments: %s%s", out, errOut)
	}
	const company = "清档集团/华东大区/杭州分公司"
	invited := map[string]string{}
	for _, p := range []struct{ no, name, role, scope string }{
		{"1001", "林静怡", "supervisor", company},
		{"1002", "顾晓晨", "supervisor", company},
		{"2001", "陈思远", "agent", company},
		{"3001", "周敏", "legal", ""},
		{"4001", "郑开元", "auditor", ""},
		{"9001", "何立", "admin", ""},
	} {
		args := []string{"user", "add", "--staff-no", p.no, "--name", p.name, "--role", p.role}
		if p.scope != "" {
			args = append(args, "--department", p.scope)
		}
		out, errOut, code := a.cli(t, clock, args...)
		if code != 0 {
			t.Fatalf("user add: %s", errOut)
		}
		invited[p.no] = invitation(t, out)
	}
	b := startBrowser(t, url)
	supervisor, agent := join(b, clock, "1001", invited["1001"]), join(b, clock, "2001", invited["2001"])
	second := join(b, clock, "1002", invited["1002"])
	legal, auditor, admin := join(b, clock, "3001", invited["3001"]), join(b, clock, "4001", invited["4001"]), join(b, clock, "9001", invited["9001"])
	clock.Advance(73 * time.Hour) // an account may batch-delete from its third day

	// Import: the neutral file lies in the teams, two other exports go to the company itself.
	if out, errOut, code := a.cli(t, clock, "import", export); code != 0 {
		t.Fatalf("import: %s%s", out, errOut)
	}
	direct := []string{"import", "--department", company}
	for _, f := range []string{"wecom/chat_archive.jsonl", "dingtalk/robot_callback.jsonl", "qq/message_manager_export.txt"} {
		direct = append(direct, dbtest.Shared(t, "formats/"+f))
	}
	if out, errOut, code := a.cli(t, clock, direct...); code != 0 {
		t.Fatalf("import: %s%s", out, errOut)
	}

	// Search, and read one conversation.
	supervisor.login("/conversations")
	supervisor.shot("search")
	supervisor.press("table tbody tr td a")
	supervisor.shot("conversation")
	supervisor.wants("1001")

	// Batch delete of the company without its sub-departments: the residue is shown and must be decided.
	supervisor.open("/batches/new")
	supervisor.fill("input[name=to]", "2025-06-30")
	supervisor.tick("input[name=dept]:not([disabled])")
	if got := supervisor.press("button[name=go][value=impact]"); got != http.StatusUnprocessableEntity {
		supervisor.fail("going on without a decision about the residue answered %d, want 422", got)
	}
	supervisor.shot("residue")
	supervisor.tick("input[name=keep]")
	supervisor.fill("textarea[name=residue_reason]", "各组另行处理，年底统一清理")
	supervisor.press("button[name=go][value=impact]")
	supervisor.shot("impact")
	supervisor.press(".qd-bar button.btn-primary")
	supervisor.tick("input[name=notified]")
	supervisor.tick("input[name=partners]")
	supervisor.tick("input[name=complaints]")
	supervisor.fill("textarea[name=reason]", "超过保留期的会话年度清理")
	supervisor.shot("confirm")
	supervisor.press("button[formaction$='/discard']")
	supervisor.shot("result")
	batch := supervisor.where()
	if !regexp.MustCompile(`^/batches/\d+$`).MatchString(batch) {
		supervisor.fail("the batch was not made")
	}
	supervisor.wants("6", "SC-")

	// Restore one of the six.
	supervisor.tick("#items-form tbody input[type=checkbox]")
	supervisor.press("#items-form button.btn-primary")
	supervisor.shot("restored")

	// Other people's conversations are not for an agent to ask for.
	ask := "/purges/new?batch=" + batch[len("/batches/"):]
	agent.login("/bin")
	if got := agent.open(ask); got != http.StatusForbidden {
		agent.fail("an agent's look at the purge of a colleague's conversations answered %d, want 403", got)
	}

	// The supervisor asks for the purge of what is left.
	supervisor.open(ask)
	supervisor.fill("textarea[name=reason]", "回收站到期清理，客户未再联系")
	supervisor.tick("input[name=at_once]")
	supervisor.press("form[action='/purges'] button.btn-outline-danger")
	supervisor.shot("requested")
	request := supervisor.where()
	supervisor.wants("PG-", "5")

	// Nobody approves the own request: there is no button for the requester.
	if supervisor.count("button[value=approve]") != 0 {
		supervisor.fail("the requester sees a button to approve")
	}
	second.login(request)
	second.shot("request")
	vote(second, "范围无误，同意")
	legal.login(request)
	legal.tick("input[name=agree_at_once]")
	vote(legal, "已核对法务保留，同意")
	legal.shot("cooling")

	// The worker does nothing before the cooling-off and the bin's deadline have passed.
	a.workNow(t)
	if n := dbtest.Count(t, a.db, &purge.Item{}, "state = ?", "purged"); n != 0 {
		t.Fatalf("%d conversations were destroyed before their time", n)
	}
	clock.Advance(8 * 24 * time.Hour)
	a.workNow(t)
	legal.login(request)
	legal.shot("done")
	legal.press("a[href^='/certificates/']")
	legal.shot("certificate")
	certificate := legal.where()
	legal.wants("CERT-2026-0001")

	// The auditor downloads certificate and report, and checks them offline.
	auditor.login("/audit")
	auditor.shot("audit")
	files := t.TempDir()
	save := func(name, path string) string {
		status, body := auditor.download(path)
		if status != http.StatusOK || len(body) < 500 {
			t.Fatalf("%s: %d, %d bytes", path, status, len(body))
		}
		file := filepath.Join(files, name)
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	evidence := []string{save("certificate.json", certificate+".json"), makeReport(auditor, clock, save)}
	for _, file := range evidence {
		verifyAndTamper(t, file)
	}
	if out, errOut, code := a.cli(t, clock, "search", "--json", "--department", company); code != 0 || len(lines(out)) != 1 {
		t.Errorf("after the purge search finds %q %s; want the restored one", out, errOut)
	}
	for _, f := range direct[3:] {
		if out, errOut, code := a.cli(t, clock, "import", "--json", "--department", company, f); code != 0 || !strings.Contains(out, `"added_conversations":0`) {
			t.Errorf("importing %s again brought something back: %s%s", filepath.Base(f), out, errOut)
		}
	}
	_ = admin
}

// vote approves the request on the page with an opinion and a code.
func vote(p *person, opinion string) {
	p.t.Helper()
	p.fill("textarea[name=opinion]", opinion)
	p.fill("input[name=code]", p.code())
	if got := p.press("button[name=verdict][value=approve]"); got != http.StatusOK {
		p.fail("the vote answered %d", got)
	}
	if p.count("button[value=approve]") != 0 {
		p.fail("the vote was not taken")
	}
}

// verifyAndTamper checks a file, changes one byte of it and checks again: verify must say where.
func verifyAndTamper(t *testing.T, file string) {
	t.Helper()
	offline := &bench{t: t, env: map[string]string{"QINGDANG_LANG": "en", "QINGDANG_DATA": "/nowhere"}}
	if out := offline.ok("verify", file); !strings.Contains(out, "ok") {
		t.Errorf("verify %s: %s", filepath.Base(file), out)
	}
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(body), "林静怡")
	if at < 0 {
		t.Fatalf("%s does not name the requester", filepath.Base(file))
	}
	body[at+2]++
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, code := offline.run("verify", file)
	if code != 1 || !strings.Contains(out+errOut, "/body/") {
		t.Errorf("verify of a changed %s: exit %d, %s%s; it must say where", filepath.Base(file), code, out, errOut)
	}
}

// work does everything that is due now, as the worker would.
func (a *app) workNow(t *testing.T) {
	t.Helper()
	if err := job.Work(t.Context(), a.db, "worker-1", a.runners(), job.Options{Once: true}); err != nil {
		t.Fatal(err)
	}
}

// makeReport has the auditor make the report of the period and download it.
func makeReport(p *person, clock *dbtest.Clock, save func(name, path string) string) string {
	p.t.Helper()
	p.open("/reports")
	p.fill("input[name=from]", "2026-11-01")
	p.fill("input[name=to]", clock.Time().Format(time.DateOnly))
	p.press("main form[method=post] button.btn-primary")
	p.shot("report")
	return save("report.json", p.where()+".json")
}
