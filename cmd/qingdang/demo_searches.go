package main

import (
	"qingdang/models/account"
	"qingdang/models/search"
)

// keepSearches saves what the demo's supervisors and legal look for again and again.
func (s *story) keepSearches(lin, xu, zhou string) error {
	const east = "云栖优品集团/华东大区"
	whole, city := s.find(east), s.find(east+"/杭州分公司")
	for _, k := range []struct {
		who, name  string
		conditions search.Conditions
		share      search.Share
	}{
		{lin, "退款纠纷 · 杭州", search.Conditions{Words: "退款 OR 赔付 -测试单", Period: "last180", Department: city, DepartmentName: "杭州分公司", Sub: true, Types: []string{"售后", "投诉"}}, search.Share{With: search.InDepartment, Department: whole}},
		{lin, "半年前的咨询", search.Conditions{Period: "older180", Types: []string{"咨询"}}, search.Share{}},
		{xu, "差评风险 · 近 30 天", search.Conditions{Period: "last30", Tags: []string{"差评风险"}}, search.Share{With: search.InDepartment, Department: city}},
		{zhou, "提到 12315 的会话", search.Conditions{Words: "12315", Period: "last365"}, search.Share{With: search.InRole, Role: account.Supervisor}},
		{lin, "敏感词命中", search.Conditions{Sensitive: "yes"}, search.Share{}},
	} {
		if _, err := s.searches.Save(s.ctx, s.cast[k.who], k.name, k.conditions, k.share); err != nil {
			return err
		}
	}
	return s.nameCustomer(lin, east)
}

// nameCustomer notes whom one can look for: a customer who wrote often and wants nothing deleted.
func (s *story) nameCustomer(lin, path string) error {
	often, err := s.regulars(s.cast[lin], path)
	if err != nil || len(often) == 0 {
		return err
	}
	return s.db.SetSetting(s.ctx, demoCustomer, often[0])
}
