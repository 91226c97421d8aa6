package file

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

const (
	xmlHead     = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	spreadsheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	office      = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packaged    = "http://schemas.openxmlformats.org/package/2006/relationships"
	mime        = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// styles: 0 as it is, 1 text that stays text and is wrapped, 2 the same in bold.
const styles = `<styleSheet xmlns="` + spreadsheet + `"><fonts count="2"><font><sz val="10"/><name val="Arial"/></font><font><b/><sz val="10"/><name val="Arial"/></font></fonts>` +
	`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
	`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf xfId="0"/>` +
	`<xf xfId="0" numFmtId="49" applyNumberFormat="1" quotePrefix="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>` +
	`<xf xfId="0" fontId="1" applyFont="1" numFmtId="49" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs></styleSheet>`

// parts gives what an archive needs around its sheets, always in the same order.
func (x *xlsxWriter) parts() iter.Seq2[string, string] {
	var list, relations, kinds strings.Builder
	for n := 1; n <= x.sheets+1; n++ {
		name := x.lang.word("about")
		if n > 1 {
			name = x.lang.word("sheet", strconv.Itoa(n-1))
		}
		fmt.Fprintf(&list, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, name, n, n)
		fmt.Fprintf(&relations, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, n, office, n)
		fmt.Fprintf(&kinds, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, n, mime)
	}
	return func(yield func(string, string) bool) {
		_ = yield("xl/workbook.xml", `<workbook xmlns="`+spreadsheet+`" xmlns:r="`+office+`"><sheets>`+list.String()+`</sheets></workbook>`) &&
			yield("xl/styles.xml", styles) &&
			yield("xl/_rels/workbook.xml.rels", `<Relationships xmlns="`+packaged+`">`+relations.String()+
				fmt.Sprintf(`<Relationship Id="rId%d" Type="%s/styles" Target="styles.xml"/></Relationships>`, x.sheets+2, office)) &&
			yield("_rels/.rels", `<Relationships xmlns="`+packaged+`"><Relationship Id="rId1" Type="`+office+`/officeDocument" Target="xl/workbook.xml"/></Relationships>`) &&
			yield("[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`+
				`<Override PartName="/xl/workbook.xml" ContentType="`+mime+`sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="`+mime+`styles+xml"/>`+kinds.String()+`</Types>`)
	}
}
