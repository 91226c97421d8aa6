package handlers_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/export"
	"qingdang/models/job"
	"qingdang/templates/ui"
	"qingdang/web/webtest"
)

// exportsOf is the desk of the archive's exports, with a shelf of the test's own.
func exportsOf(t *testing.T, a *archive) *export.Desk {
	return &export.Desk{
		DB: a.db, Vault: a.conversations.Vault, Accounts: a.people, Dir: filepath.Join(t.TempDir(), "exports"), Zone: shanghai, Organisation: "云栖优品集团",
	}
}

// makeExports lets a worker make what is due.
func (a *archive) makeExports(t *testing.T) {
	t.Helper()
	err := job.Work(t.Context(), a.db, "worker", map[string]job.Runner{export.JobRun: a.exports.Runner()}, job.Options{Once: true})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	passphraseShown = regexp.MustCompile(`name="passphrase" value="([A-Z2-7-]+)"`)
	tokenShown      = regexp.MustCompile(`name="token" value="([A-Z2-7]+)"`)
	rootShown       = regexp.MustCompile(`name="root" value="([0-9a-f]{64})"`)
)

func TestAnExportIsAskedForFetchedOnceAndChecked(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t,
			talk("e1", "云栖优品集团/一店", "tb_88821", "售后", old, spoken),
			talk("e2", "云栖优品集团/一店", "tb_77777", "投诉", old.AddDate(0, 0, 1), "第二条"),
			talk("e3", "别家", "tb_88821", "售后", old, "外人的话"),
		)
		boss := accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID, a.shop.ID)
		foreign := accounttest.User(t, a.db, a.people, account.Supervisor, a.other.ID)
		zhou := accounttest.User(t, a.db, a.people, account.Legal)
		zhou.Scope = account.Everywhere()
		owner, stranger, legal := a.As(boss), a.As(foreign), a.As(zhou)
		for _, role := range []account.Role{account.Auditor, account.Admin} {
			a.As(accounttest.Actor(role)).Get(t, "/exports").Want(t, http.StatusForbidden)
		}
		owner.Get(t, "/exports").Want(t, 200, "还没有导出", "校验文件", "新建导出")

		// From a search: what it finds is counted, and the sample shows what the mask does.
		owner.Get(t, "/conversations").Want(t, 200, "/exports/new?of=search", "导出所选")
		form := owner.Get(t, "/exports/new?of=search&tag=%E9%80%80%E6%AC%BE")
		form.Want(t, 200, "导出 2 条会话", "标签 退款", "13800138000", "138****8000").Lacks(t, "只留客户本人的信息", "外人的话")
		sent := url.Values{
			"go": {"ask"}, "kind": {"query"}, "search": {"/conversations?tag=退款"}, "request_key": {"first-export"}, "format": {"jsonl"}, "mask": {"all"}, "days": {"3"}, "lang": {"zh-CN"}, "shown": {"2"},
		}
		// What is missing is said at its field, and nothing typed is lost.
		sent.Set("recipient", "杭州市市场监管局")
		sent.Set("purpose", "短")
		owner.Post(t, "/exports/new", sent).Want(t, 422, "purpose-error", "杭州市市场监管局", `value="3" selected`)
		sent.Set("purpose", "配合市场监管部门问询")
		owner.Post(t, "/exports/new", sent).Want(t, 422, "consent-error", "配合市场监管部门问询")
		sent.Del("recipient")
		sent.Set("key", "not a key")
		owner.Post(t, "/exports/new", sent).Want(t, 422, "key-error")
		sent.Del("key")
		sent.Set("shown", "7")
		owner.Post(t, "/exports/new", sent).Want(t, http.StatusConflict, "刚才是 7", `name="shown" value="2"`)
		sent.Set("shown", "2")
		asked := owner.Post(t, "/exports/new", sent)
		page := asked.Header.Get("Location")
		asked.WantRedirect(t, page)
		owner.Post(t, "/exports/new", sent).WantRedirect(t, page) // a repeated submit asks once
		owner.Get(t, page).Want(t, 200, "EX-", "排队", "配合市场监管部门问询", "取消导出 2 条会话").Lacks(t, "显示口令")
		owner.Get(t, "/exports").Want(t, 200, "配合市场监管部门问询", `hx-trigger="every 5s"`)
		stranger.Get(t, "/exports").Want(t, 200, "还没有导出")
		if got, absent := stranger.Get(t, page), stranger.Get(t, "/exports/987654"); got.Status != http.StatusNotFound || absent.Status != http.StatusNotFound {
			t.Errorf("a stranger gets %d, for an absent one %d", got.Status, absent.Status)
		}

		a.makeExports(t)
		owner.Get(t, page).Want(t, 200, "可下载", "显示口令并准备下载", "名单指纹", "SHA-256").Lacks(t, `hx-trigger="every 5s"`)
		legal.Get(t, page).Want(t, 200, "收回").Lacks(t, "显示口令")
		legal.Post(t, page+"/prepare", nil).Want(t, http.StatusForbidden)
		taken := owner.Post(t, page+"/prepare", nil)
		taken.Want(t, 200, "口令只显示这一次")
		if got := taken.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("the page with the passphrase may be kept: %q", got)
		}
		grant := url.Values{"token": {tokenShown.FindStringSubmatch(taken.Body)[1]}, "passphrase": {"AAAA-BBBB"}}
		owner.Post(t, page+"/download", grant).Want(t, http.StatusForbidden, "这个下载页已失效", "不是最近一次准备的", "重新准备下载", page).Lacks(t, "你没有权限")
		secret := passphraseShown.FindStringSubmatch(taken.Body)[1]
		grant.Set("passphrase", secret)
		stranger.Post(t, page+"/download", grant).Want(t, http.StatusNotFound)
		given := owner.Post(t, page+"/download", grant)
		given.Want(t, 200)
		if got := given.Header.Get("Content-Disposition"); !strings.Contains(got, ".zip.age") {
			t.Errorf("the file is called %q", got)
		}
		if text := unsealed(t, given.Body, secret); !strings.Contains(text, "138****8000") || strings.Contains(text, "13800138000") || strings.Contains(text, "外人的话") {
			t.Errorf("the file says %.500s", text)
		}
		for _, way := range []string{"/download", "/prepare"} {
			owner.Post(t, page+way, grant).Want(t, http.StatusGone, "文件已不在系统里", "已由 "+boss.Name+" 于", "下载。文件只能下载一次", "重新导出", page).Lacks(t, "彻底删除证书", "<h1>已彻底删除")
		}
		owner.SetCookie("qd_lang", "en")
		owner.Post(t, page+"/prepare", nil).Want(t, http.StatusGone, "The file is no longer here", "was downloaded by "+boss.Name)
		owner.SetCookie("qd_lang", "zh-CN")
		owner.Get(t, page).Want(t, 200, "系统里已没有副本", "重新导出").Lacks(t, "显示口令", "收回…")

		legalCheck := check(t, legal, "EX.zip.age", given.Body)
		legalCheck.Want(t, 200, "与导出时一致", "配合市场监管部门问询")
		check(t, owner, "EX.zip.age", given.Body+"x").Want(t, 200, "没有找到 EX.zip.age 的来源")
		check(t, stranger, "EX.zip.age", given.Body).Want(t, 200, "没有找到 EX.zip.age 的来源")
		check(t, owner, "", "").Want(t, 422, "file-error")
	})
}

// Whoever has no age gets an archive that ordinary tools open: chosen in the form, told on every page, and of
// the same kind when it is asked for again.
func TestAZipIsChosenAndFetched(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_88821", "售后", long(clock.Time()), spoken))
		owner := a.As(accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID, a.shop.ID))
		owner.Get(t, "/exports/new?of=search").Want(t, 200, "加密 ZIP", "7-Zip", "文件名只有导出编号", `value="age" checked`)
		sent := url.Values{
			"go": {"ask"}, "kind": {"query"}, "search": {"/conversations"}, "request_key": {"zip"}, "format": {"jsonl"}, "mask": {"all"}, "days": {"3"}, "lang": {"zh-CN"},
			"purpose": {"配合市场监管部门问询"}, "seal": {"zip"}, "key": {"age1x"},
		}
		owner.Post(t, "/exports/new", sent).Want(t, 422, "key-error", "加密 ZIP 只有口令", `value="zip" checked`)
		sent.Del("key")
		page := owner.Post(t, "/exports/new", sent).Header.Get("Location")
		a.makeExports(t)
		owner.Get(t, page).Want(t, 200, "ZIP（AES-256）")
		taken := owner.Post(t, page+"/prepare", nil)
		taken.Want(t, 200, "口令只显示这一次", "Bandizip", "Keka", "qingdang open EX-").Lacks(t, ".zip.age", "用 age")
		secret := passphraseShown.FindStringSubmatch(taken.Body)[1]
		given := owner.Post(t, page+"/download", url.Values{"token": {tokenShown.FindStringSubmatch(taken.Body)[1]}, "passphrase": {secret}})
		given.Want(t, 200)
		if got := given.Header.Get("Content-Disposition"); !strings.Contains(got, ".zip") || strings.Contains(got, ".age") {
			t.Errorf("the file is called %q", got)
		}
		m, err := export.UnpackZip(strings.NewReader(given.Body), int64(len(given.Body)), secret, filepath.Join(t.TempDir(), "out"))
		if err != nil || m.Written != 1 {
			t.Errorf("%+v, %v", m, err)
		}
		check(t, owner, "EX.zip", given.Body).Want(t, 200, "与导出时一致")
		owner.Get(t, page).Want(t, 200, "-001.zip").Lacks(t, ".zip.age")
		again := owner.Post(t, page+"/again", nil).Header.Get("Location")
		owner.Get(t, again).Want(t, 200, "ZIP（AES-256）")
	})
}

func TestAnUnmaskedExportNeedsAnotherPerson(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_88821", "售后", long(clock.Time()), spoken))
		boss := accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID, a.shop.ID)
		zhou, yang := accounttest.User(t, a.db, a.people, account.Legal), accounttest.User(t, a.db, a.people, account.Legal)
		zhou.Scope, yang.Scope = account.Everywhere(), account.Everywhere()
		owner, legal, second := a.As(boss), a.As(zhou), a.As(yang)
		agent := a.As(accounttest.User(t, a.db, a.people, account.Agent, a.shop.ID))

		sent := url.Values{
			"go": {"ask"}, "open": {"1"}, "kind": {"customer"}, "customer": {"tb_88821"}, "request_key": {"subject"}, "format": {"jsonl"}, "mask": {"none"}, "days": {"7"}, "lang": {"en"}, "purpose": {"客户查阅请求 DSR-0309"},
		}
		owner.Post(t, "/exports/new", sent).Want(t, http.StatusForbidden)
		agent.Post(t, "/exports/new", sent).Want(t, http.StatusForbidden)
		agent.Get(t, "/exports/new").Want(t, 200, "会话编号").Lacks(t, "一名客户的全部会话")
		agent.Get(t, fmt.Sprintf("/exports/new?conversation=%d", a.only(t, "e1"))).Want(t, 422, "有会话不存在")
		agent.Get(t, fmt.Sprintf("/conversations/%d", a.only(t, "e1"))).Lacks(t, "/exports/new")
		owner.Get(t, fmt.Sprintf("/conversations/%d", a.only(t, "e1"))).Want(t, 200, fmt.Sprintf("/exports/new?conversation=%d", a.only(t, "e1")))
		count := url.Values{}
		for k, v := range sent {
			count[k] = v
		}
		count.Set("go", "count")
		legal.Post(t, "/exports/new", count).Want(t, 200, "提交审批（1 条会话）", "可以批准的人："+yang.Name, "tb_88821")
		sent.Set("days", "30")
		legal.Post(t, "/exports/new", sent).Want(t, 422, "days-error", "tb_88821", `value="7" selected`).Lacks(t, `value="14"`, `value="30"`)
		legal.Get(t, "/exports/new").Want(t, 200, "30 天（仅全部脱敏）", "manifest.json 里")
		owner.Get(t, "/exports/new").Want(t, 200, ">30 天<").Lacks(t, "仅全部脱敏")
		sent.Set("days", "7")
		page := legal.Post(t, "/exports/new", sent).Header.Get("Location")
		// The customer is masked on the page, and whoever asked cannot answer.
		legal.Get(t, page).Want(t, 200, "待审批", "要由另一名法务批准", "tb_8***21").Lacks(t, `name="code"`, "tb_88821")
		second.Get(t, "/exports").Want(t, 200, "#vote-card")
		second.Get(t, "/").Want(t, 200, "等待你审批（1 条）", page)
		legal.Get(t, "/").Want(t, 200).Lacks(t, "等待你审批", page)
		owner.Get(t, "/").Want(t, 200).Lacks(t, "等待你审批", page)
		seen := second.Get(t, page)
		seen.Want(t, 200, "批准导出 1 条会话", `name="code"`, "不是全部脱敏")
		clock.Advance(time.Minute)
		answer := url.Values{"verdict": {"approve"}, "root": {rootShown.FindStringSubmatch(seen.Body)[1]}, "code": {accounttest.Code(t, a.db, yang.ID)}}
		second.Post(t, page+"/decide", answer).Want(t, 422, "opinion-error")
		owner.Post(t, page+"/decide", answer).Want(t, http.StatusForbidden)
		answer.Set("opinion", "同意，已核对客户身份")
		answer.Set("code", "000000")
		second.Post(t, page+"/decide", answer).Want(t, 422, "code-error", "同意，已核对客户身份")
		answer.Set("code", accounttest.Code(t, a.db, yang.ID))
		second.Post(t, page+"/decide", answer).WantRedirect(t, page)
		a.makeExports(t)
		legal.Get(t, page).Want(t, 200, "可下载", "同意，已核对客户身份", yang.Name)
		second.Get(t, "/").Want(t, 200).Lacks(t, "等待你审批", page)
		legal.Get(t, "/").Want(t, 200, "可以下载（1 条）", "已批准；", page)
		taken := legal.Post(t, page+"/prepare", nil)
		secret := passphraseShown.FindStringSubmatch(taken.Body)[1]
		given := legal.Post(t, page+"/download", url.Values{"token": {tokenShown.FindStringSubmatch(taken.Body)[1]}, "passphrase": {secret}})
		if text := unsealed(t, given.Body, secret); !strings.Contains(text, "13800138000") {
			t.Errorf("the file says %.500s", text)
		}

		legal.Get(t, "/").Want(t, 200).Lacks(t, page)

		// Rejected: its owner reads why on the first page.
		sent.Set("request_key", "subject-2")
		clock.Advance(time.Minute)
		page = legal.Post(t, "/exports/new", sent).Header.Get("Location")
		no := url.Values{"verdict": {"reject"}, "root": {rootShown.FindStringSubmatch(second.Get(t, page).Body)[1]}, "opinion": {"没有客户的书面请求"}, "code": {accounttest.Code(t, a.db, yang.ID)}}
		second.Post(t, page+"/decide", no).WantRedirect(t, page)
		legal.Get(t, page).Want(t, 200, "按审批意见改好范围或用途").Lacks(t, page+"/again")
		legal.Post(t, page+"/again", nil).Want(t, http.StatusConflict, "被驳回的")
		legal.Post(t, page+"/prepare", nil).Want(t, http.StatusGone, "文件已不在系统里")
		legal.Get(t, "/").Want(t, 200, "被驳回（1 条）", yang.Name+" 于", "驳回：没有客户的书面请求", page)

		// Chosen rows; cancelled before it is made, and another one recalled when it is ready.
		chosen := owner.Post(t, "/exports/new", url.Values{"go": {"chosen"}, "id": {fmt.Sprint(a.only(t, "e1"))}})
		chosen.Want(t, 200, "选中的 1 条会话", "导出 1 条会话")
		sent = url.Values{"go": {"ask"}, "kind": {"conversations"}, "id": {fmt.Sprint(a.only(t, "e1"))}, "format": {"jsonl"}, "mask": {"all"}, "days": {"7"}, "purpose": {"内部复盘培训"}}
		page = owner.Post(t, "/exports/new", sent).Header.Get("Location")
		owner.Post(t, page+"/again", nil).Want(t, http.StatusConflict, "导出结束后才能重新提交")
		dbtest.Exec(t, a.db, "UPDATE job SET state = 'failed' WHERE state = 'queued'")
		if err := a.exports.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		owner.Get(t, page).Want(t, 200, "没有生成成功", "重试")
		owner.Get(t, "/").Want(t, 200, "没有生成成功（1 条）", "生成任务失败", page).Lacks(t, "任务失败：", "⟦")
		owner.Get(t, "/exports").Want(t, 200, ">重试</button>", page+"/again")
		legal.Get(t, page).Want(t, 200, "没有生成成功").Lacks(t, "重试")
		legal.Post(t, page+"/again", nil).Want(t, http.StatusForbidden)
		tried := owner.Post(t, page+"/again", nil)
		if tried.Location == page || tried.Location == "" {
			t.Errorf("the second try leads to %q", tried.Location)
		}
		owner.Post(t, page+"/again", nil).WantRedirect(t, tried.Location)
		owner.Get(t, tried.Location).Want(t, 200, "排队", "内部复盘培训")
		page = owner.Post(t, "/exports/new", sent).Header.Get("Location")
		owner.Post(t, page+"/cancel", nil).WantRedirect(t, page)
		owner.Get(t, page).Want(t, 200, "取消").Lacks(t, "取消导出 1 条会话")
		owner.Post(t, page+"/prepare", nil).Want(t, http.StatusGone, "文件已不在系统里", "已由 "+boss.Name+" 于", "取消。还需要时")
		page = owner.Post(t, "/exports/new", sent).Header.Get("Location")
		a.makeExports(t)
		legal.Post(t, page+"/recall", url.Values{"reason": {"短"}}).Want(t, 422, "reason-error")
		legal.Post(t, page+"/recall", url.Values{"reason": {"用途不明，先收回"}}).WantRedirect(t, page)
		owner.Get(t, page).Want(t, 200, "用途不明，先收回", "密钥已销毁").Lacks(t, "显示口令")
		owner.Post(t, page+"/prepare", nil).Want(t, http.StatusGone, "文件已不在系统里", "已由 "+zhou.Name+" 于", "原因：用途不明，先收回")
		fresh := owner.Post(t, page+"/again", nil).Header.Get("Location")
		a.makeExports(t)
		taken = owner.Post(t, fresh+"/prepare", nil)
		late := url.Values{"token": {tokenShown.FindStringSubmatch(taken.Body)[1]}, "passphrase": {passphraseShown.FindStringSubmatch(taken.Body)[1]}}
		clock.Advance(16 * time.Minute)
		owner.Post(t, fresh+"/download", late).Want(t, http.StatusForbidden, "这个下载页已失效", "15 分钟", fresh).Lacks(t, "你没有权限")
		clock.Advance(8 * 24 * time.Hour)
		owner.Post(t, fresh+"/prepare", nil).Want(t, http.StatusGone, "文件已不在系统里", "期间没有人下载")
	})
}

// Of a search with words the second person sees the words, the conditions and what they gave; the log, the
// addresses and everybody else see how many words there were.
func TestTheApproverSeesWhatASearchTook(t *testing.T) {
	const word = "灯笼裤13812345678"
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t,
			talk("e1", "云栖优品集团/一店", "tb_1", "售后", old, "想退"+word),
			talk("e2", "云栖优品集团/一店", "tb_2", "售后", old.AddDate(0, 0, 2), "还是"+word),
			talk("e3", "云栖优品集团", "tb_3", "投诉", old.AddDate(0, 0, 3), "这条"+word),
			talk("e4", "云栖优品集团", "tb_4", "售后", old, "别的事"),
			talk("e5", "别家", "tb_5", "售后", old, "外人的"+word),
		)
		boss := accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID, a.shop.ID)
		peer := accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID, a.shop.ID)
		zhou := accounttest.User(t, a.db, a.people, account.Legal)
		zhou.Scope = account.Everywhere()
		owner, other, legal := a.As(boss), a.As(peer), a.As(zhou)
		found := owner.Post(t, "/conversations", url.Values{"q": {word}, "type": {"售后,投诉"}, "tag": {"退款"}, "from": {old.AddDate(0, 0, -9).Format(time.DateOnly)}}).Header.Get("Location")
		if strings.Contains(found, "13812345678") || !strings.Contains(found, "sid=") {
			t.Fatalf("the search stands at %s", found)
		}
		sent := url.Values{
			"go": {"ask"}, "kind": {"query"}, "search": {found}, "request_key": {"words"}, "format": {"jsonl"}, "mask": {"all"}, "days": {"7"}, "lang": {"zh-CN"}, "purpose": {"配合市场监管部门问询"},
			"recipient": {"杭州市市场监管局"}, "consent": {"行政调查"}, "shown": {"3"},
		}
		page := owner.Post(t, "/exports/new", sent).Header.Get("Location")
		conditions := []string{"检索到的 3 条会话", "云栖优品集团/一店 2 条", "云栖优品集团 1 条", "售后 2 条", "投诉 1 条", "标签 退款", old.In(shanghai).Format(time.DateOnly) + " ～ " + old.AddDate(0, 0, 3).In(shanghai).Format(time.DateOnly)}
		legal.Get(t, page).Want(t, 200, append(conditions, "关键词："+word, "批准导出 3 条会话")...)
		legal.SetCookie("qd_lang", "en")
		legal.Get(t, page).Want(t, 200, "Keywords: "+word, "3 conversations that a search found", "云栖优品集团/一店: 2")
		owner.Get(t, page).Want(t, 200, append(conditions, word)...)
		other.Get(t, page).Want(t, 200, append(conditions, "用了 1 个关键词")...).Lacks(t, "灯笼裤", "13812345678")

		var leaf []byte
		err := a.db.Read(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
			return tx.Table("audit_leaf").Where("action = 'export.requested'").Order("n DESC").Limit(1).Select("leaf").Row().Scan(&leaf)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"words":1`, `"service_types":["售后","投诉"]`, `"by_department":{`, `"云栖优品集团/一店":2`, `"by_type":{`, `"tags":1`, `"from":"`} {
			if !bytes.Contains(leaf, []byte(want)) {
				t.Errorf("the log does not say %s: %s", want, leaf)
			}
		}
		for _, never := range []string{"灯笼裤", "13812345678", "退款"} {
			if bytes.Contains(leaf, []byte(never)) {
				t.Errorf("the log says %s: %s", never, leaf)
			}
		}
		// The address of somebody else's words, or of old ones, is no search: it is refused, not taken for one without.
		sent.Set("request_key", "words-2")
		other.Post(t, "/exports/new", sent).Want(t, 422, "请重新填写")
		clock.Advance(31 * time.Minute)
		owner.Post(t, "/exports/new", sent).Want(t, 422, "请重新填写")
	})
}

// unsealed opens a file that was given out and gives all of its texts.
func unsealed(t *testing.T, file, passphrase string) string {
	t.Helper()
	key, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := age.Decrypt(strings.NewReader(file), key)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(all), int64(len(all)))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&text, r); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// check uploads a file as the form does; without a name none was chosen.
func check(t *testing.T, c *webtest.Client, name, content string) *webtest.Response {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField(ui.CSRFName, c.FormToken(t)); err != nil {
		t.Fatal(err)
	}
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r := c.Request(t, http.MethodPost, "/exports/check", &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return c.Do(t, r)
}
