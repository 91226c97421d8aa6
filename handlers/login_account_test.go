package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/web/webtest"
)

func TestTheOwnAccount(t *testing.T) {
	each(t, func(t *testing.T, s *console) {
		who := accounttest.User(t, s.db, s.accounts, account.Agent, 3)
		first, second := s.signIn(t, who), s.signIn(t, who)
		handle := regexp.MustCompile(`/account/sessions/([0-9a-f]+)/revoke`).FindStringSubmatch(second.Get(t, "/account").Body)
		if handle == nil {
			t.Fatal("the other session is not listed")
		}
		stranger := s.signIn(t, accounttest.User(t, s.db, s.accounts, account.Agent, 3))
		stranger.Post(t, "/account/sessions/"+handle[1]+"/revoke", nil).Want(t, http.StatusNotFound)
		first.Get(t, "/account").Want(t, 200)
		second.Post(t, "/account/sessions/"+handle[1]+"/revoke", nil).WantRedirect(t, "/account")
		first.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount")
		second.Get(t, "/account").Want(t, 200, "已退出那处登录")

		third, before := s.signIn(t, who), second.Cookie("qd")
		change := func(present, fresh string) *webtest.Response {
			return second.Post(t, "/account/password", url.Values{"present": {present}, "password": {fresh}, "repeat": {fresh}})
		}
		change("wrong", "Silver-Harbour-9923").Want(t, 422, "现在的密码不正确")
		change(accounttest.Password, "short").Want(t, 422, "至少 10 个字符")
		change(accounttest.Password, "Silver-Harbour-9923").WantRedirect(t, "/account")
		if second.Cookie("qd") == before {
			t.Error("the session's id did not change with the password")
		}
		second.Get(t, "/account").Want(t, 200, "密码已修改")
		third.Get(t, "/account").WantRedirect(t, "/login?next=%2Faccount")

		s.clock.Advance(time.Minute)
		second.Post(t, "/account/recovery", url.Values{"code": {"000"}}).Want(t, 422, "还可以再试 4 次")
		second.Post(t, "/account/recovery", url.Values{"code": {accounttest.Code(t, s.db, who.ID)}}).Want(t, 200, "只显示这一次")
	})
}
