package handlers_test

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	"qingdang/handlers"
	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/job"
	"qingdang/models/retention"
)

func retentionOf(t *testing.T, a *archive) *handlers.Retention {
	desk := &retention.Desk{DB: a.db, Accounts: a.people, Keys: accounttest.Keys(t, a.db), Zone: shanghai, Alone: hold.Alone}
	return &handlers.Retention{Reader: desk, Desk: desk, Departments: a.departments}
}

// The policy is read by many, changed by two: what would differ is counted first, an error stands at its field,
// and somebody else of legal agrees with a code.
func TestChangingThePolicy(t *testing.T) {
	eachArchive(t, func(t *testing.T, a *archive, clock *dbtest.Clock) {
		old := long(clock.Time())
		a.add(t, talk("e1", "云栖优品集团/一店", "tb_1", "咨询", old, "身份证 450205190507313468"))
		boss := accounttest.User(t, a.db, a.people, account.Supervisor, a.company.ID, a.shop.ID)
		zhou := accounttest.User(t, a.db, a.people, account.Legal)
		clock.Advance(72 * time.Hour)
		asks, legal, agent := a.As(boss), a.As(zhou), a.As(accounttest.Actor(account.Agent, a.shop.ID))
		agent.Get(t, "/retention").Want(t, 200, "保留策略", "183 天", "永久保留", "身份证号、银行卡号").Lacks(t, "修改策略</")
		agent.Get(t, "/retention/edit").Want(t, http.StatusForbidden)
		edit := asks.Get(t, "/retention/edit")
		edit.Want(t, 200, `name="floor-0"`, `value="183"`, `name="type-4"`)
		form := url.Values{"rows": {"5"}, "never": {"id_card", "bank_card"}, "reason": {"按新制度执行，设置上限"}}
		form.Set("seen", regexp.MustCompile(`name="seen" value="([0-9a-f]+)"`).FindStringSubmatch(edit.Body)[1])
		for _, m := range regexp.MustCompile(`name="((?:type|floor)-\d)"[^>]*? value="([^"]*)"`).FindAllStringSubmatch(edit.Body, -1) {
			form.Set(m[1], m[2])
		}
		for i := range 4 {
			if regexp.MustCompile(`name="forever-` + string(rune('0'+i)) + `" value="1" checked`).MatchString(edit.Body) {
				form.Set("forever-"+string(rune('0'+i)), "1")
			}
		}
		form.Set("ceiling-0", "7")
		asks.Post(t, "/retention/edit", form).Want(t, 422, "ceiling-0-error", "不能短于下限和保留期（183 天）")
		form.Set("ceiling-0", "abc")
		asks.Post(t, "/retention/edit", form).Want(t, 422, "ceiling-0-error", `value="abc"`)
		// What is wrong with a new type stands at its row, wherever the type sorts.
		form.Set("ceiling-0", "400")
		form.Set("type-4", "A")
		form.Set("floor-4", "-5")
		asks.Post(t, "/retention/edit", form).Want(t, 422, "floor-4-error").Lacks(t, "floor-1-error")
		form.Set("type-4", "")
		form.Set("floor-4", "")
		// A form that was shown before somebody changed the policy says so, and its successor does not.
		before, seen := maps.Clone(form), form.Get("seen")
		before["seen"] = []string{"0123456789abcdef"}
		asks.Post(t, "/retention/edit", before).Want(t, 409, "策略已被修改", "其他类型 · 上限", `name="seen" value="`+seen+`"`)
		// A rule for ever has no other bounds, so that what is typed there changes nothing.
		for i := range 4 {
			if at := strconv.Itoa(i); form.Get("forever-"+at) == "1" {
				form.Set("target-"+at, "500")
			}
		}
		asks.Post(t, "/retention/edit", form).Want(t, 200, "差别与影响", "其他类型 · 上限", "400 天", "这项修改会减弱保护", "提交给法务审批", "只含本人管辖的部门").Lacks(t, "法律纠纷 · 保留期")
		form.Set("go", "propose")
		page := asks.Post(t, "/retention/edit", form).Header.Get("Location")
		asks.Get(t, page).Want(t, 200, "待审批", "撤回这项修改").Lacks(t, `name="code"`)
		asks.Post(t, "/retention/edit", form).Want(t, 409, "已有一项修改")
		shown := legal.Get(t, page)
		shown.Want(t, 200, `name="code"`, "按新制度执行")
		answer := url.Values{"verdict": {"approve"}, "opinion": {"同意"}, "code": {accounttest.Code(t, a.db, zhou.ID)}}
		answer.Set("root", regexp.MustCompile(`name="root" value="([0-9a-f]+)"`).FindStringSubmatch(shown.Body)[1])
		legal.Post(t, page+"/decide", url.Values{"verdict": {"approve"}, "root": answer["root"], "opinion": {""}}).Want(t, 422, "opinion-error")
		asks.Post(t, page+"/decide", answer).Want(t, http.StatusForbidden)
		legal.Post(t, page+"/decide", answer).WantRedirect(t, page)
		legal.Get(t, page).Want(t, 200, "等待生效", "生效时间")
		legal.Get(t, "/retention").Want(t, 200, "没有设置上限", "没有设置保留期")
		legal.Get(t, page).Want(t, 200, "只含本人管辖的部门")
		agent.Get(t, page).Want(t, 200, "其他类型 · 上限").Lacks(t, "只含本人管辖的部门")

		clock.Advance(retention.Delay)
		desk := &retention.Desk{DB: a.db, Keys: accounttest.Keys(t, a.db), Zone: time.UTC, Alone: hold.Alone}
		if err := job.Work(t.Context(), a.db, "test", map[string]job.Runner{retention.JobTimer: &retention.Timer{Desk: desk}}, job.Options{Timers: []job.New{{Kind: retention.JobTimer}}, Once: true}); err != nil {
			t.Fatal(err)
		}
		legal.Get(t, "/retention").Want(t, 200, "已生效", "400 天", "云栖优品集团/一店", "/conversations?dept=", "没有设置保留期").Lacks(t, "没有设置上限", "没有规定不得留存的信息")
		asks.Get(t, "/retention").Want(t, 200, "云栖优品集团/一店")
		dbtest.Exec(t, a.db, "DELETE FROM retention_never_keep")
		legal.Get(t, "/retention").Want(t, 200, "没有规定不得留存的信息")
		agentElsewhere := a.As(accounttest.Actor(account.Agent))
		agentElsewhere.Get(t, "/retention").Want(t, 200, "没有超期或不得留存的会话")
		legal.Post(t, page+"/cancel", url.Values{"reason": {"已经生效还想撤回"}}).Want(t, 409, "summary")
		legal.Get(t, "/retention/changes/RP-2020-999").Want(t, http.StatusNotFound)
	})
}
