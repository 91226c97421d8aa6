// Package demo makes up an organisation and its conversations for a first look at
// the console: the same seed gives the same bytes. The words are our own, and every
// personal datum has the right form and belongs to nobody.
package demo

import "fmt"

// Department is one node of the tree.
type Department struct {
	Code, ParentCode string // ParentCode is "" for the root
	Name, Path       string // Path runs from the root, as in 云栖优品集团/华东大区/杭州分公司
	Level            int    // 1 to 4
}

const organisation = "云栖优品集团"

// A branch is a company or office and its teams.
type branch struct {
	name  string
	teams []string
}

var divisions = []struct {
	name     string
	branches []branch
}{
	{"华东大区", []branch{
		{"杭州分公司", []string{"旗舰店售前组", "一店售后组", "二店售后组", "交易纠纷组"}},
		{"上海分公司", []string{"浦东售后组", "徐汇售前组"}},
		{"南京分公司", []string{"直营一组", "直营二组"}},
	}},
	{"华南大区", []branch{
		{"广州分公司", []string{"天河售前组", "一店售后组", "二店售后组", "交易纠纷组"}},
		{"深圳分公司", []string{"南山售前组", "南山售后组", "企业采购组"}},
		{"厦门分公司", []string{"思明售前组", "海沧售后组"}},
	}},
	{"华北大区", []branch{
		{"北京分公司", []string{"旗舰店售前组", "朝阳售后组", "海淀售后组", "交易纠纷组"}},
		{"天津分公司", []string{"滨海售后组", "直营一组"}},
		{"青岛分公司", []string{"市南售后组", "直营一组"}},
	}},
	{"酒店旅业事业部", []branch{
		{"酒店预订中心", []string{"国内预订组", "国际预订组", "退改协调组"}},
		{"度假产品部", []string{"跟团游组", "自由行组", "签证服务组"}},
		{"客诉处理部", []string{"酒店客诉组", "出行客诉组"}},
	}},
	{"跨境业务部", []branch{
		{"保税仓运营部", []string{"宁波保税组", "广州保税组"}},
		{"海外直邮部", []string{"日韩直邮组", "欧美直邮组"}},
		{"供应商合作部", []string{"供应商对接组", "合同履约组"}},
	}},
}

// Departments gives the tree of four levels, parents before their children.
func Departments() []Department {
	out := []Department{{Code: "YX", Name: organisation, Path: organisation, Level: 1}}
	add := func(parent Department, n int, name string) Department {
		d := Department{
			Code: fmt.Sprintf("%s%02d", parent.Code, n+1), ParentCode: parent.Code,
			Name: name, Path: parent.Path + "/" + name, Level: parent.Level + 1,
		}
		out = append(out, d)
		return d
	}
	for i, division := range divisions {
		d := add(out[0], i, division.name)
		for j, branch := range division.branches {
			b := add(d, j, branch.name)
			for k, team := range branch.teams {
				add(b, k, team)
			}
		}
	}
	return out
}
