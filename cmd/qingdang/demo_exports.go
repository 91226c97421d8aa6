package main

import (
	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/export"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/job"
)

// askExports puts three exports on the shelf: one to be fetched, one that was recalled, and one that waits
// for a second person. A small demo may have nothing for one of them.
func (s *story) askExports(lin, zhou string, h *hold.Hold) error {
	const east = "云栖优品集团/华东大区/"
	search := func(path string) export.Selection {
		f := conversation.Filter{Departments: account.Within(s.of(east + path)...), ServiceTypes: []string{"投诉"}}
		return export.Selection{Kind: export.OfQuery, Query: conversation.Query{Filter: f}}
	}
	_, err := s.askExport(lin, export.Wish{Selection: search("杭州分公司/一店售后组"), Format: file.XLSX, Purpose: "一店投诉会话季度复盘"})
	if err != nil {
		return err
	}
	recalled, err := s.askExport(lin, export.Wish{Selection: search("杭州分公司/二店售后组"), Format: file.CSV, Purpose: "二店投诉会话核对"})
	if err != nil {
		return err
	}
	if err := job.Work(s.ctx, s.db, "demo", map[string]job.Runner{export.JobRun: s.exports.Runner()}, job.Options{Once: true}); err != nil {
		return err
	}
	if recalled != nil {
		if err := s.exports.Recall(s.ctx, s.cast[lin], recalled.ID, "范围选错，重新申请"); err != nil {
			return err
		}
	}
	if h == nil {
		return nil
	}
	_, err = s.askExport(zhou, export.Wish{
		Selection: export.Selection{Kind: export.OfHold, Hold: h.ID}, Format: file.PDF, Mask: export.MaskNone, Days: 3, Purpose: "证据包：应诉举证",
		Recipient: "杭州市西湖区人民法院", Consent: "依法院调查令提供，不以个人同意为前提",
	})
	return err
}

// askExport asks as somebody does in the form; nothing to export is no error.
func (s *story) askExport(staffNo string, w export.Wish) (*export.Export, error) {
	w.FormKey = s.key()
	e, err := s.exports.Ask(s.ctx, s.cast[staffNo], w)
	if f, ok := fault.Of(err); ok && f.Key == "export.nothing" {
		return nil, nil
	}
	return e, err
}
