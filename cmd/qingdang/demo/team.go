package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// Realms are what a scene is about: 零售 goods, 旅行 travel, 跨境 imports, 商务 business
// with companies, 海外 goods for people abroad, in English.
var realms = []string{"零售", "旅行", "跨境", "商务", foreign}

const foreign = "海外"

// realmPlatforms says on which platforms the customers of a realm talk.
var realmPlatforms = map[string]weights{
	"零售":    readWeights("qianniu 46, wechat 17, sobot 11, qq 10, xiaoneng 8, wecom 5, dingtalk 3"),
	"旅行":    readWeights("ctrip 62, wechat 18, sobot 9, xiaoneng 6, qq 5"),
	"跨境":    readWeights("qianniu 38, wechat 24, sobot 16, qq 12, xiaoneng 10"),
	"商务":    readWeights("wecom 54, dingtalk 36, wechat 10"),
	foreign: readWeights("wechat 40, sobot 30, xiaoneng 20, qq 10"),
}

// worksIn reports whether a team works in a realm; some work in two.
func worksIn(d Department, realm string) bool {
	abroad, travel := strings.Contains(d.Path, "跨境业务部"), strings.Contains(d.Path, "酒店旅业")
	business := strings.Contains(d.Path, "供应商合作部") || strings.HasSuffix(d.Path, "企业采购组")
	switch realm {
	case "旅行":
		return travel
	case "跨境":
		return abroad && !business
	case foreign:
		return !travel && !business
	case "商务":
		return business || strings.HasSuffix(d.Path, "交易纠纷组")
	}
	return !abroad && !travel && !business
}

// fit is how much of a service a team gets, by its name.
func fit(d Department, service string) int {
	share := map[string]string{
		"咨询":   "售前 9, 预订 6, 跟团 5, 自由行 5, 签证 5, 保税 4, 直邮 4, 采购 6, 对接 4, 售后 2, 直营 3",
		"售后":   "售后 8, 直营 6, 退改 9, 保税 4, 直邮 4, 客诉 2, 预订 1, 签证 1",
		"投诉":   "售后 4, 直营 3, 纠纷 6, 客诉 9, 保税 1, 直邮 1",
		"交易":   "售后 3, 直营 3, 纠纷 4, 售前 2, 预订 5, 退改 6, 直邮 3, 保税 3, 采购 6, 对接 4, 履约 7",
		"法律纠纷": "纠纷 9, 履约 5, 客诉 2",
	}[service]
	n := 0
	for _, w := range readWeights(share) {
		if strings.Contains(d.Name, w.name) {
			n += w.n
		}
	}
	if strings.Contains(d.Path, "华东大区") {
		n *= 2 // the region that the screens show
	}
	return n
}

// teams gives the weights of departments by realm and service type.
var teams = sync.OnceValue(func() map[string]weights {
	out := map[string]weights{}
	for _, realm := range realms {
		for _, service := range []string{"咨询", "售后", "投诉", "交易", "法律纠纷"} {
			for _, d := range Departments() {
				if n := fit(d, service); d.Level == 4 && n > 0 && worksIn(d, realm) {
					out[realm+service] = append(out[realm+service], weight{d.Path, n})
				}
			}
		}
	}
	return out
})

func pickTeam(r *rand.Rand, realm, service string) Department {
	return Department{Path: teams()[realm+service].pick(r)}
}

func parentPath(path string) string { return path[:strings.LastIndexByte(path, '/')] }

// An agent of a team. Only some of them have an account of the console.
type agent struct{ staffNo, name string }

// staff gives the agents by team: those who can log in and four more.
func staff() map[string][]agent {
	const invented, firstNo = 4, 30001
	out := map[string][]agent{}
	for _, p := range People() {
		if p.Role == "agent" {
			out[p.ScopePaths[0]] = append(out[p.ScopePaths[0]], agent{p.StaffNo, p.Name})
		}
	}
	r := rand.New(rand.NewPCG(firstNo, 0)) // the same agents whatever the seed
	n := firstNo
	for _, d := range Departments() {
		if d.Level != 4 {
			continue
		}
		for range invented {
			out[d.Path] = append(out[d.Path], agent{fmt.Sprint(n), personName(r)})
			n++
		}
	}
	return out
}
