package handlers_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/intake"
	"qingdang/models/intake/format"
	"qingdang/models/job"
	"qingdang/templates/ui"
	"qingdang/web"
	"qingdang/web/webtest"
)

// send uploads files as the form does: the token first, then the fields, then the files.
func send(t *testing.T, c *webtest.Client, fields url.Values, named ...string) *webtest.Response {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	put := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	put(w.WriteField(ui.CSRFName, c.FormToken(t)))
	for _, name := range []string{"format", "department"} {
		put(w.WriteField(name, fields.Get(name)))
	}
	for i := 0; i < len(named); i += 2 {
		part, err := w.CreateFormFile("files", named[i])
		put(err)
		_, err = part.Write([]byte(named[i+1]))
		put(err)
	}
	if len(named) == 0 { // what a browser sends when no file was chosen
		_, err := w.CreateFormFile("files", "")
		put(err)
	}
	put(w.Close())
	r := c.Request(t, http.MethodPost, "/imports", &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return c.Do(t, r)
}

func (a *archive) work(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if err := job.Work(ctx, a.db, "w", map[string]job.Runner{intake.JobRun: a.imports.Runner()}, job.Options{Once: true}); err != nil {
		t.Fatal(err)
	}
}

const line = `{"platform":"qianniu","external_id":"up1","department":"云栖优品集团/一店","customer_id":"tb_1","messages":[{"id":"1","sender":"customer","at":"2024-03-01T10:00:00+08:00","kind":"text","text":"你好"}]}` + "\n"

func TestUploading(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, _ *dbtest.Clock) {
		admin := accounttest.User(t, a.db, a.people, account.Admin)
		admin.Scope = account.Everywhere()
		mine := a.As(admin)
		auto := url.Values{"format": {"auto"}}
		mine.Get(t, "/imports").Want(t, 200, "还没有导入")
		mine.Get(t, "/imports/new").Want(t, 200, "自动识别", "默认部门", "云栖优品集团")
		send(t, mine, auto).Want(t, 422, "请选择至少一个文件")
		send(t, mine, url.Values{"format": {"nonsense"}}, "x.jsonl", line).Want(t, 422, "请选择列表中的格式")
		send(t, mine, url.Values{"format": {"auto"}, "department": {"999999"}}, "x.jsonl", line).Want(t, 422, "没有这个部门")

		sent := send(t, mine, auto, "一店.jsonl", line+"坏\n"+"=1+1,\n")
		if sent.Status != http.StatusSeeOther || !strings.HasPrefix(sent.Location, "/imports/") {
			t.Fatalf("%d %s %.300s", sent.Status, sent.Location, sent.Body)
		}
		mine.Get(t, sent.Location).Want(t, 200, "一店.jsonl", "排队", `hx-trigger="every 5s"`, sent.Location+"/cancel")
		a.work(t)
		mine.Get(t, sent.Location).Want(t, 200, "新增会话", "拒收的记录", "第 2 行", "不是有效的 JSON").Lacks(t, "every 5s")
		mine.Htmx(t, http.MethodGet, sent.Location+"/state", nil).Want(t, 200, `id="import"`).Lacks(t, "<html", "every 5s")
		csv := mine.Get(t, sent.Location+"/rejects.csv").Want(t, 200, "第 2 行", "import.reason.not_json")
		if !strings.HasPrefix(csv.Body, "\ufeff") || !strings.Contains(csv.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%q %v", csv.Body[:20], csv.Header)
		}
		if n := dbtest.Count(t, a.db, &conversation.Conversation{}); n != 1 {
			t.Errorf("%d conversations", n)
		}
		mine.Get(t, "/imports").Want(t, 200, "一店.jsonl", "IM-")
		mine.Get(t, "/jobs?state=all").Want(t, 200, "导入", sent.Location)

		for _, tt := range []struct{ name, file, content, want string }{
			{"an empty file", "x.csv", "", "文件是空的"},
			{"something else", "x.xlsx", "PK\x03\x04nonsense", "不是有效的 XLSX"},
			{"bytes that are no text", "x.jsonl", line + "{\"platform\":\"\xff\xfe\"}\n", "编码无法识别"},
			{"a zip bomb", "x.xlsx", bomb(t), "解压后超过上限"},
		} {
			a.imports.Limits = format.Limits{MaxUnpacked: 1 << 20}
			sent := send(t, mine, auto, tt.file, tt.content)
			a.work(t)
			if got := mine.Get(t, sent.Location); got.Status != 200 || !strings.Contains(got.Body, tt.want) {
				t.Errorf("%s: the page lacks %q: %.3000s", tt.name, tt.want, got.Body[strings.Index(got.Body, "<main"):])
			}
		}
		two := send(t, mine, auto, "a.jsonl", line, "b.jsonl", line)
		two.WantRedirect(t, "/imports")
		run := strings.Split(mine.Get(t, "/imports").Want(t, 200, "已收到 2 个文件").Body, `href="/imports/`)
		last, _, _ := strings.Cut(run[2], `"`) // the first link is the button for a new one
		mine.Post(t, "/imports/"+last+"/cancel", nil).WantRedirect(t, "/imports/"+last)
		mine.Get(t, "/imports/"+last).Want(t, 200, "导入已取消")
		mine.Post(t, "/imports/"+last+"/cancel", nil).Want(t, http.StatusConflict)

		boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
		boss.Get(t, sent.Location).Want(t, http.StatusNotFound)
		boss.Get(t, "/imports").Want(t, 200, "还没有导入").Lacks(t, "/imports/new")
		send(t, boss, auto, "x.jsonl", line).Want(t, http.StatusForbidden)
		a.As(accounttest.Actor(account.Agent, a.shop.ID)).Get(t, "/imports").Want(t, http.StatusForbidden)
	})
}

// bomb is a workbook that unpacks to much more than it is.
func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
	for name, content := range map[string]string{
		"[Content_Types].xml":        `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
		"_rels/.rels":                `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>` + strings.Repeat("a", 8<<20) + `</t></is></c></row></sheetData></worksheet>`,
	} {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnUploadThatIsTooLargeIsRefusedInWords(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	a.Site = webtest.Start(t, (&handlers.Screens{Imports: &handlers.Imports{Runs: a.imports, Departments: a.departments}}).Routes(), func(o *web.Options) { o.UploadLimit = 4096 })
	admin := accounttest.Actor(account.Admin)
	admin.Scope = account.Everywhere()
	send(t, a.As(admin), url.Values{"format": {"auto"}}, "x.jsonl", strings.Repeat(line, 100)).Want(t, http.StatusRequestEntityTooLarge)
	if n := dbtest.Count(t, d, &runRow{}); n != 0 {
		t.Errorf("%d runs", n)
	}
}

type runRow struct{}

// TableName is import_run.
func (runRow) TableName() string { return "import_run" }

func TestHomeByRole(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "售后", long(clock.Time()), "你好"), talk("e2", "别家", "tb_2", "售后", long(clock.Time()), "你好"))
		boss := accounttest.User(t, a.db, a.people, account.Supervisor, a.shop.ID)
		clock.Advance(25 * 3600e9)
		mine := a.As(boss)
		mine.Get(t, "/").Want(t, 200, "工作台", "今天没有待处理事项", "在库会话", "新建批量删除", "2026").Lacks(t, "近 30 日导入")
		path := "/conversations/" + id.String(a.only(t, "e1"))
		mine.Post(t, path+"/discard", url.Values{"reason": {"超过保留期的会话清理"}, "request_key": {"key-1234567890"}}).WantRedirect(t, path)
		clock.Advance(6*24*3600e9 + 3600e9)
		home := mine.Get(t, "/").Want(t, 200, "1 条回收站会话将在 24 小时内到期", "24 小时内到期 1")
		if strings.Contains(home.Body, "今天没有待处理事项") {
			t.Error("something and nothing is to be done")
		}
		mine.Htmx(t, http.MethodGet, "/", nil).Want(t, 200, `id="home"`).Lacks(t, "<html")
		agent := a.As(accounttest.Actor(account.Agent, a.other.ID))
		agent.Get(t, "/").Want(t, 200, "在库会话").Lacks(t, "24 小时内到期 1", "新建批量删除", "法务保留中")
		admin := accounttest.Actor(account.Admin)
		admin.Scope = account.Everywhere()
		a.As(admin).Get(t, "/").Want(t, 200, "近 30 日导入", "导入会话").Lacks(t, "在库会话", "检索会话")
		lawyer := accounttest.Actor(account.Legal)
		lawyer.Scope = account.Everywhere()
		a.As(lawyer).Get(t, "/").Want(t, 200, "在库会话", "近 30 日会话流量", "移入回收站 1 条")
		a.As(accounttest.Actor(account.Supervisor)).Get(t, "/").Want(t, 200, "今天没有待处理事项")
		a.As(admin).Get(t, "/help").Want(t, 200, "名词", "快捷键")
	})
}

func TestTheQueueIsOnesOwn(t *testing.T) {
	d, clock := dbtest.New(t)
	a := openArchive(t, d, clock)
	admin := accounttest.User(t, d, a.people, account.Admin)
	admin.Scope = account.Everywhere()
	sent := send(t, a.As(admin), url.Values{"format": {"auto"}}, "x.jsonl", line)
	a.As(admin).Get(t, "/jobs").Want(t, 200, "导入", sent.Location)
	a.As(admin).Get(t, "/jobs/1").Want(t, 200, "导入", "排队", "every 5s")
	boss := a.As(accounttest.Actor(account.Supervisor, a.shop.ID))
	boss.Get(t, "/jobs").Want(t, 200, "没有任务")
	boss.Get(t, "/jobs/1").Want(t, http.StatusNotFound)
}
