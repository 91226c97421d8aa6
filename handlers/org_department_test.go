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

func TestADepartmentIsMovedFromItsPage(t *testing.T) {
	each(t, func(t *testing.T, s *console) {
		deps := &department.Departments{DB: s.db}
		ensure := func(path string) id.Department {
			d, err := deps.Ensure(t.Context(), account.System("test", ""), path)
			if err != nil {
				t.Fatal(err)
			}
			return d.ID
		}
		shop, north, city := ensure("集团/华东/杭州/一店"), ensure("集团/华北"), ensure("集团/华东/杭州")
		admin := s.signIn(t, accounttest.User(t, s.db, s.accounts, account.Admin))
		auditor := s.signIn(t, accounttest.User(t, s.db, s.accounts, account.Auditor))
		page := "/org/departments/" + id.String(city)
		to := func(parent id.Department, name string) url.Values {
			v := url.Values{"parent": {""}, "name": {name}}
			if parent != 0 {
				v.Set("parent", id.String(parent))
			}
			return v
		}
		admin.Get(t, "/org").Want(t, 200, page)
		auditor.Get(t, "/org").Want(t, 200, "杭州").Lacks(t, page)
		auditor.Get(t, page).Want(t, http.StatusForbidden)
		auditor.Post(t, page+"/move", to(north, "杭州")).Want(t, http.StatusForbidden)
		admin.Get(t, "/org/departments/999999").Want(t, http.StatusNotFound)
		admin.Get(t, page).Want(t, 200, "集团/华东/杭州", "查看会改变什么").Lacks(t, "将会改变")
		admin.Get(t, page+"?"+to(shop, "杭州").Encode()).Want(t, 422, "不能移到自己或自己的下级部门之下").Lacks(t, "将会改变")
		admin.Get(t, page+"?"+to(north, "华/北").Encode()).Want(t, 422, "不能含“/”")
		seen := func(v url.Values) url.Values {
			shown := admin.Get(t, page+"?"+v.Encode())
			shown.Want(t, 200, "将会改变", "没有会话因此新受保留")
			v.Set("seen", regexp.MustCompile(`name="seen" value="([0-9a-f]+)"`).FindStringSubmatch(shown.Body)[1])
			return v
		}
		admin.Post(t, page+"/move", to(north, "杭州")).Want(t, 422, "请先核对下面列出的影响", "将会改变")
		stale := seen(to(north, "杭州"))
		ensure("集团/华东/杭州/二店")
		admin.Post(t, page+"/move", stale).Want(t, http.StatusConflict, "影响在查看之后有变化", "移动 3 个部门")
		admin.Post(t, page+"/move", seen(to(north, "杭州"))).WantRedirect(t, page)
		admin.Get(t, page).Want(t, 200, "部门已移动", "集团/华北/杭州")
		admin.Post(t, page+"/move", seen(to(north, "杭州公司"))).WantRedirect(t, page)
		admin.Get(t, page).Want(t, 200, "部门已改名", "集团/华北/杭州公司")
		admin.Post(t, page+"/move", seen(to(0, "杭州公司"))).WantRedirect(t, page)
		tree, err := deps.Tree(t.Context())
		if err != nil || tree.Path(shop) != "杭州公司/一店" {
			t.Errorf("the shop is at %q, %v", tree.Path(shop), err)
		}
	})
}
