package mask

import "strings"

// stars stand for the part of a name or account that is not shown, whatever its
// length: the length would tell something too.
const stars = "**"

// Name masks a person's name behind its first rune and, in the name of a company,
// the two runes that tell it from others.
func Name(name string) string {
	runes := []rune(strings.TrimSpace(name))
	if len(runes) == 0 {
		return ""
	}
	const place, own = 2, 2 // 上海|示例|贸易有限公司
	if isCompany(string(runes)) && len(runes) > place+own+2 {
		return string(runes[:place]) + stars + string(runes[place+own:])
	}
	return string(runes[:1]) + stars
}

func isCompany(name string) bool {
	for _, end := range []string{"公司", "集团", "商行", "酒店", "事务所", "合作社", "工作室", "中心", "旗舰店"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// Account masks the account of a customer on a platform. An account that is itself
// a phone number or a mail address is masked as such.
func Account(account string) string {
	account = strings.TrimSpace(account)
	if spans := Find(account); len(spans) > 0 {
		return String(account)
	}
	runes := []rune(account)
	switch n := len(runes); {
	case n == 0:
		return ""
	case n < 4:
		return string(runes[:1]) + "***"
	case n < 8:
		return string(runes[:2]) + "***" + string(runes[n-1:])
	default:
		return string(runes[:4]) + "***" + string(runes[n-2:])
	}
}
