package templates

import (
	"net/url"
	"strconv"
)

// Addresses of signing in and of the own account.
const (
	LoginPath      = "/login"
	LoginCodePath  = "/login/otp"
	LoginEnrolPath = "/login/enroll"
	LogoutPath     = "/logout"
	LanguagePath   = "/preferences/language"
	ThemePath      = "/preferences/theme"
	ShortcutsPath  = "/preferences/shortcuts"
	AccountPath    = "/account"
	OrgPath        = "/org"
)

// LoginNextPath is the page at path of signing in that leads to next afterwards.
func LoginNextPath(path, next string) string {
	if next == "" || next == "/" {
		return path
	}
	return path + "?" + url.Values{"next": {next}}.Encode()
}

// SetupPath is the page of a one-time link.
func SetupPath(token string) string { return "/setup/" + url.PathEscape(token) }

// MemberPath is the page of one member.
func MemberPath(user uint64) string { return OrgPath + "/members/" + strconv.FormatUint(user, 10) }

// MemberActPath is where a form about a member is sent.
func MemberActPath(user uint64, act string) string { return MemberPath(user) + "/" + act }

// DepartmentPath is the page of one department.
func DepartmentPath(department uint64) string {
	return OrgPath + "/departments/" + strconv.FormatUint(department, 10)
}

// DepartmentActPath is where a form about a department is sent.
func DepartmentActPath(department uint64, act string) string {
	return DepartmentPath(department) + "/" + act
}
