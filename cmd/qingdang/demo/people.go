package demo

import "strings"

// Person is an account of the demo.
type Person struct {
	StaffNo, Name string
	Role          string   // agent, supervisor, legal, auditor or admin
	ScopePaths    []string // department paths; none for administrators
	IncludeSub    bool
	Login, Email  string
}

var people = []struct{ staffNo, name, login, role, scope string }{
	{"10482", "林静怡", "linjingyi", "supervisor", "华东大区"},
	{"10355", "顾晓岚", "guxiaolan", "supervisor", "华东大区"},
	{"10517", "许峻", "xujun", "supervisor", "华东大区/杭州分公司"},
	{"10391", "梁绍安", "liangshaoan", "supervisor", "华南大区"},
	{"10426", "宋知远", "songzhiyuan", "supervisor", "华北大区"},
	{"10448", "白若溪", "bairuoxi", "supervisor", "酒店旅业事业部"},
	{"10463", "陆文博", "luwenbo", "supervisor", "跨境业务部"},
	{"10077", "周敏", "zhoumin", "legal", "/"},
	{"10083", "杨帆", "yangfan", "legal", "/"},
	{"10031", "郑开元", "zhengkaiyuan", "auditor", "/"},
	{"10036", "秦牧遥", "qinmuyao", "auditor", "/"},
	{"10012", "何立", "heli", "admin", ""},
	{"10015", "江一帆", "jiangyifan", "admin", ""},
	{"20614", "陈思远", "chensiyuan", "agent", "华东大区/南京分公司/直营一组"},
	{"20577", "高翔", "gaoxiang", "agent", "华东大区/南京分公司/直营二组"},
	{"20631", "李雨桐", "liyutong", "agent", "华东大区/杭州分公司/一店售后组"},
	{"20632", "马晓燕", "maxiaoyan", "agent", "华东大区/杭州分公司/一店售后组"},
	{"20640", "孙浩然", "sunhaoran", "agent", "华东大区/杭州分公司/二店售后组"},
	{"20645", "唐宁", "tangning", "agent", "华东大区/杭州分公司/旗舰店售前组"},
	{"20652", "吴佳", "wujia", "agent", "华东大区/杭州分公司/交易纠纷组"},
	{"20668", "蒋沐阳", "jiangmuyang", "agent", "华东大区/上海分公司/浦东售后组"},
	{"20683", "黎佩珊", "lipeishan", "agent", "华南大区/广州分公司/一店售后组"},
	{"20697", "邵景行", "shaojingxing", "agent", "华北大区/北京分公司/朝阳售后组"},
	{"20715", "温雅琪", "wenyaqi", "agent", "酒店旅业事业部/酒店预订中心/国内预订组"},
	{"20728", "祝南枝", "zhunanzhi", "agent", "跨境业务部/供应商合作部/合同履约组"},
}

// People gives who can log in, of every role, those whom the screens tell of first
// within their role.
func People() []Person {
	out := make([]Person, 0, len(people))
	for _, p := range people {
		person := Person{
			StaffNo: p.staffNo, Name: p.name, Role: p.role,
			IncludeSub: p.role != "agent" && p.role != "admin",
			Login:      p.login, Email: p.login + "@example.com",
		}
		if p.scope != "" {
			person.ScopePaths = []string{strings.TrimSuffix(organisation+"/"+strings.TrimPrefix(p.scope, "/"), "/")}
		}
		out = append(out, person)
	}
	return out
}
