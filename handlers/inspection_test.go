package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/audit"
	"qingdang/models/bin"
	"qingdang/models/db/dbtest"
	"qingdang/models/inspection"
)

var shownRoot = regexp.MustCompile(`name="root" value="([0-9a-f]{64})"`)

// An inspection from its start to the signed report, through the pages that people use.
func TestAnInspectionFromItsStartToTheReport(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t,
			talk("x1", "云栖优品集团/一店", "tb_1", "咨询", old, spoken), talk("x2", "云栖优品集团/一店", "tb_2", "咨询", old, "第二条"), talk("x3", "云栖优品集团/一店", "tb_3", "咨询", old, "第三条"),
		)
		boss := accounttest.User(t, a.db, a.people, account.Supervisor, a.shop.ID)
		zheng, zhou := accounttest.User(t, a.db, a.people, account.Auditor), accounttest.User(t, a.db, a.people, account.Legal)
		zheng.Scope, zhou.Scope = account.Everywhere(), account.Everywhere()
		clock.Advance(72 * time.Hour)
		auditor, legal, owner := a.As(zheng), a.As(zhou), a.As(boss)
		agent := a.As(accounttest.Actor(account.Agent, a.shop.ID))
		agent.Get(t, "/inspections").Want(t, http.StatusForbidden)
		owner.Get(t, "/inspections").Want(t, 200, "还没有巡检").Lacks(t, "启动 XJ-")
		auditor.Get(t, "/inspections").Want(t, 200, "启动 XJ-")
		owner.Post(t, "/inspections", url.Values{}).Want(t, http.StatusForbidden)
		auditor.Post(t, "/inspections", url.Values{}).WantRedirect(t, "/inspections/XJ-2026Q4")
		const page = "/inspections/XJ-2026Q4"
		auditor.Get(t, page).Want(t, 200, "未开始", "冻结名单并抽样", "种子承诺").Lacks(t, "随机种子")
		auditor.Post(t, page+"/draw", url.Values{}).Want(t, http.StatusConflict, "还没有会话进入回收站")

		b := &bin.Bin{DB: a.db, Zone: shanghai, Keys: accounttest.Keys(t, a.db)}
		for i, external := range []string{"x1", "x2", "x3"} {
			if _, err := b.DiscardOne(t.Context(), boss, a.only(t, external), "超过保留期的会话清理", fmt.Sprint("form-key-", i)); err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(24 * time.Hour)
		legal.Post(t, page+"/draw", url.Values{}).Want(t, http.StatusForbidden)
		auditor.Post(t, page+"/draw", url.Values{}).WantRedirect(t, page)
		auditor.Get(t, page).Want(t, 200, "核查中", "随机种子", "继续核查（第 1 条）")
		auditor.Get(t, page+"/population.txt").Want(t, 200, "SC-")
		owner.Get(t, page+"/population.txt").Want(t, http.StatusNotFound)
		owner.Get(t, page+"/items/1").Want(t, http.StatusNotFound)
		owner.Get(t, page+"/sheet").Want(t, http.StatusNotFound)
		if n := dbtest.Count(t, a.db, &leafRow{}, "action = 'inspection.downloaded' AND result = 'refused' AND INSTR(leaf, '\"sheet\"') > 0"); n != 1 {
			t.Errorf("%d entries tell of the refused sheet", n)
		}
		auditor.Get(t, page+"/sheet").Want(t, 200, "核查表")
		auditor.Get(t, page+".pdf").Want(t, http.StatusConflict)

		auditor.Post(t, page+"/next", url.Values{}).WantRedirect(t, page+"/items/1")
		one := auditor.Get(t, page+"/items/1")
		one.Want(t, 200, "样本第 1 / 3 条", "超过保留期的会话清理", "查看脱敏会话", `data-key="y"`, `data-key="n"`, `data-key="s"`).Lacks(t, spoken)
		auditor.Post(t, page+"/items/1", url.Values{"verdict": {"problem"}, "level": {"high"}}).Want(t, 422, "words-error")
		auditor.Post(t, page+"/items/1", url.Values{"verdict": {"problem"}, "level": {"high"}, "words": {"没有写明依据"}}).WantRedirect(t, page+"/items/2")
		auditor.Post(t, page+"/items/2", url.Values{"verdict": {"later"}, "words": {"先看批次"}}).WantRedirect(t, page+"/items/3")
		auditor.Get(t, page+"/items/2").Want(t, 200, "先看批次")
		auditor.Post(t, page+"/items/3", url.Values{"verdict": {"ok"}}).WantRedirect(t, page+"/items/2")
		auditor.Post(t, page+"/items/2", url.Values{"verdict": {"ok"}}).WantRedirect(t, page)
		auditor.Get(t, page+"?tab=check&verdict=problem").Want(t, 200, "没有写明依据")

		// The finding goes to a supervisor and comes back.
		findings := page + "/findings"
		auditor.Post(t, findings+"/1/assign", url.Values{"owner": {""}, "due": {"2026-13-01"}}).Want(t, 422, "owner-error")
		auditor.Post(t, findings+"/1/assign", url.Values{"owner": {fmt.Sprint(uint64(boss.ID))}, "due": {clock.Time().AddDate(0, 0, 9).Format(time.DateOnly)}}).WantRedirect(t, page+"?tab=findings")
		owner.Get(t, page).Want(t, 200, "没有写明依据", "提交答复").Lacks(t, "随机种子", "逐条核查")
		owner.Post(t, findings+"/1/answer", url.Values{}).Want(t, 422, "answer-error")
		owner.Post(t, findings+"/1/answer", url.Values{"answer": {"已补充依据"}}).WantRedirect(t, page+"?tab=findings")
		auditor.Get(t, page+"?tab=findings").Want(t, 200, "已补充依据", "关闭问题", "自动检查")
		auditor.Post(t, findings+"/1/recheck", url.Values{"verdict": {"close"}, "remark": {"属实"}}).WantRedirect(t, page+"?tab=findings")
		auditor.Post(t, findings, url.Values{"level": {"low"}, "words": {"原因过于笼统"}}).WantRedirect(t, page+"?tab=findings")

		root := shownRoot.FindStringSubmatch(auditor.Get(t, page).Body)[1]
		clock.Advance(time.Minute)
		form := url.Values{"root": {root}, "opinion": {"已逐条核查"}, "code": {accounttest.Code(t, a.db, zheng.ID)}}
		legal.Post(t, page+"/sign", form).Want(t, http.StatusForbidden)
		auditor.Post(t, page+"/sign", form).WantRedirect(t, page)
		legal.Get(t, page).Want(t, 200, "待签署", `name="code"`, "退回修改")
		legal.Post(t, page+"/back", url.Values{}).Want(t, 422, "back-reason-error")
		clock.Advance(time.Minute)
		form = url.Values{"root": {root}, "opinion": {"同意"}, "code": {accounttest.Code(t, a.db, zhou.ID)}}
		legal.Post(t, page+"/sign", form).WantRedirect(t, page)
		auditor.Get(t, page+"?tab=report").Want(t, 200, "已签署", "qingdang verify XJ-2026Q4.json", "已逐条核查", "不得留存的信息")
		if file := auditor.Get(t, page+".pdf"); file.Status != 200 || !strings.HasPrefix(file.Body, "%PDF-") {
			t.Errorf("the PDF: %d", file.Status)
		}
		auditor.Get(t, page+".json").Want(t, 200, "qingdang/inspection/v1")
		owner.Get(t, page+".json").Want(t, http.StatusNotFound)
		auditor.Get(t, "/inspections").Want(t, 200, "PDF", "2 个，已关闭 1")
	})
}

func inspectionsOf(t *testing.T, a *archive) *handlers.Inspections {
	t.Helper()
	keys := accounttest.Keys(t, a.db)
	signer, err := keys.Signer("qingdang.example.cn/evidence")
	if err != nil {
		t.Fatal(err)
	}
	desk := &inspection.Desk{DB: a.db, Accounts: a.people, Keys: keys, Log: &audit.Log{DB: a.db, Signer: signer}, Zone: shanghai, Organisation: "云栖优品集团"}
	return &handlers.Inspections{Reader: desk, Desk: desk, Findings: desk, Papers: desk}
}
