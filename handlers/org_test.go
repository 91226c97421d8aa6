package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/department"
	"qingdang/models/id"
)

func TestMembers(t *testing.T) {
	each(t, func(t *testing.T, s *console) {
		ctx := t.Context()
		dep, err := (&department.Departments{DB: s.db}).Ensure(ctx, account.System("test", ""), "云栖优品集团/华东大区")
		if err != nil {
			t.Fatal(err)
		}
		admin := s.signIn(t, accounttest.User(t, s.db, s.accounts, account.Admin))
		other := accounttest.User(t, s.db, s.accounts, account.Admin)
		second := s.signIn(t, other)
		auditor := s.signIn(t, accounttest.User(t, s.db, s.accounts, account.Auditor))
		agent := accounttest.User(t, s.db, s.accounts, account.Agent, dep.ID)
		theirs := s.signIn(t, agent)

		theirs.Get(t, "/org").Want(t, http.StatusForbidden)
		auditor.Get(t, "/org").Want(t, 200, "华东大区", agent.Name).Lacks(t, "添加成员")
		form := url.Values{"staff_no": {"10482"}, "name": {"林静怡"}, "role": {"supervisor"}, "department": {id.String(dep.ID)}, "sub": {"1"}}
		auditor.Post(t, "/org/members", form).Want(t, http.StatusForbidden)
		bad := url.Values{"staff_no": {""}, "name": {"林静怡"}, "role": {"boss"}, "department": {id.String(dep.ID)}}
		admin.Post(t, "/org/members", bad).Want(t, 422, "请填写工号", "请选择角色")
		admin.Post(t, "/org/members", url.Values{"staff_no": {"1"}, "name": {"林"}, "role": {"agent"}, "department": {"999"}}).Want(t, http.StatusNotFound)
		added := admin.Post(t, "/org/members", form)
		added.Want(t, 200, "https://qingdang.example.cn/setup/", "林静怡")
		link := regexp.MustCompile(`https://qingdang\.example\.cn(/setup/[A-Za-z0-9_-]+)`).FindStringSubmatch(added.Body)
		s.Anonymous().Get(t, link[1]).Want(t, 200, "林静怡", "10482")
		admin.Get(t, "/org").Lacks(t, "/setup/")

		who, err := s.accounts.FindUser(ctx, account.System("test", ""), "10482")
		if err != nil {
			t.Fatal(err)
		}
		member := "/org/members/" + id.String(who.User)
		admin.Get(t, member).Want(t, 200, "林静怡", "角色待确认", "qingdang user confirm 10482").Lacks(t, "确认角色")
		admin.Get(t, "/org").Want(t, 200, "角色待确认").Lacks(t, "确认角色")
		admin.Post(t, member+"/confirm", nil).Want(t, http.StatusForbidden, "另一位系统管理员", "qingdang user confirm")
		second.Get(t, "/org").Want(t, 200, "确认角色")
		second.Get(t, member).Want(t, 200, "确认角色", `name="code"`)
		second.Post(t, member+"/confirm", nil).Want(t, 422, "口令不正确")
		second.Post(t, member+"/confirm", url.Values{"code": {accounttest.Code(t, s.db, other.ID)}}).WantRedirect(t, member)
		second.Get(t, member).Want(t, 200, "角色已确认").Lacks(t, `name="code"`)
		second.Post(t, member+"/scope", url.Values{"department": {id.String(dep.ID), "999"}}).Want(t, http.StatusNotFound)
		second.Post(t, member+"/scope", url.Values{"department": {id.String(dep.ID)}}).WantRedirect(t, member)
		second.Post(t, member+"/role", url.Values{"role": {"boss"}}).Want(t, 422)
		second.Get(t, "/org/members/999999").Want(t, http.StatusNotFound)

		target := "/org/members/" + id.String(agent.ID)
		theirs.Get(t, "/account").Want(t, 200)
		admin.Post(t, target+"/reset", nil).Want(t, 200, "/setup/", agent.Name)
		theirs.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount")
		theirs = s.signIn(t, agent)
		admin.Post(t, target+"/role", url.Values{"role": {"legal"}}).WantRedirect(t, target)
		theirs.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount")
		theirs = s.signIn(t, agent)
		admin.Post(t, target+"/role", url.Values{"role": {"admin"}}).WantRedirect(t, target)
		waits := s.signIn(t, agent)
		waits.Get(t, "/org").Want(t, 200, "没有生效，不能管理账号", "qingdang user confirm "+agent.StaffNo).Lacks(t, "添加成员")
		waits.Get(t, member).Want(t, 200).Lacks(t, "更改角色")
		waits.Post(t, member+"/role", url.Values{"role": {"agent"}}).Want(t, http.StatusForbidden, "没有生效，不能管理账号")
		admin.Post(t, target+"/disable", nil).WantRedirect(t, target)
		theirs.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount")
		s.password(t, s.Anonymous(), agent).Want(t, 422, "工号、邮箱或密码不正确")
		admin.Post(t, target+"/enable", nil).WantRedirect(t, target)
		s.signIn(t, agent)
	})
}
