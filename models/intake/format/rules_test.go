package format

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func text(name, body string) Source {
	return Source{Name: name, Body: strings.NewReader(body), Size: int64(len(body))}
}

// outcome writes counts and reasons as one line: c m d e r R and the reasons, or the file error.
func outcome(r Report) string {
	if r.FileError != nil {
		return r.FileError.Key
	}
	s := fmt.Sprintf("c%d m%d d%d e%d r%d R%d", r.Conversations, r.Messages, r.Duplicates, r.Events, r.Rejected, r.Recalled)
	for _, x := range r.Rejects {
		s += " " + strings.TrimPrefix(x.Reason, "import.reason.")
	}
	return s
}

type promise struct {
	name   string
	format string // "" is Auto
	file   string
	body   string
	want   string
}

func keep(t *testing.T, promises []promise) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			file := p.file
			if file == "" {
				file = "export"
			}
			rep, seen := readAll(t, text(file, p.body), Options{Format: p.format})
			if got := outcome(rep); got != p.want {
				t.Errorf("got  %s\nwant %s", got, p.want)
			}
			orderly(t, rep, seen)
		})
	}
}

// Short records of each format, to be joined and bent by the rows below.
const (
	wc1     = `{"msgid":"1","action":"send","from":"wmA","tolist":["Liu"],"roomid":"","msgtime":1709604072000,"msgtype":"text","text":{"content":"一"}}` + "\n"
	wc2     = `{"msgid":"2","action":"send","from":"Liu","tolist":["wmA"],"msgtime":"1709604073000","msgtype":"text","text":{"content":"二"}}` + "\n"
	revoke1 = `{"msgid":"9","action":"recall","from":"Liu","tolist":["wmA"],"msgtime":1709604079000,"msgtype":"revoke","revoke":{"pre_msgid":" 1 "}}` + "\n"
	dt1     = `{"conversationId":"c","msgId":"1","createAt":1712718000000,"senderId":"s","msgtype":"text","text":{"content":" 好"}}` + "\n"
	sb1     = `{"type":202,"partnerId":"p","msgId":"1","content":"好","msgType":"text","aname":"小清","createChatTime":1719799200000}` + "\n"
	neu     = `{"platform":"sobot","external_id":"x","messages":[{"id":"1","sender":"customer","at":"2024-01-01T10:00:00+08:00","type":"text","text":"好"}]}` + "\n"
	head    = "平台,会话ID,消息ID,发送方,发送时间,消息类型,消息内容,附件,是否撤回\n"
	row1    = "千牛,A,1,客户,2024-08-01 10:00:00,文本,一,,否\n"
	row2    = "千牛,A,2,客服,2024-08-01 10:00:01,文本,二,,否\n"
	memo    = "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime\n"
)

func repl(s string, pairs ...string) string {
	out := strings.NewReplacer(pairs...).Replace(s)
	if out == s {
		panic("nothing replaced in " + s)
	}
	return out
}

func TestWeComRecords(t *testing.T) {
	long := strings.Repeat("好", 1_000_000)
	keep(t, []promise{
		{"either order of the pair is one conversation", "", "", wc1 + wc2, "c1 m2 d0 e0 r0 R0"},
		{"a revoke after its message", "", "", wc1 + wc2 + revoke1, "c1 m2 d0 e1 r0 R1"},
		{"a revoke before its message", "", "", revoke1 + wc2 + wc1, "c1 m2 d0 e1 r0 R1"},
		{"a revoke twice recalls once", "", "", revoke1 + wc1 + revoke1, "c1 m1 d0 e2 r0 R1"},
		{"a revoke of an unknown message is an event", "", "", wc1 + repl(revoke1, " 1 ", "77"), "c1 m1 d0 e1 r0 R0"},
		{"a revoke that names nothing is an event and recalls nothing", "", "", wc1 + repl(revoke1, " 1 ", ""), "c1 m1 d0 e1 r0 R0"},
		{"a file of events only is no error", "", "", revoke1, "c0 m0 d0 e1 r0 R0"},
		{"switch has neither sender nor msgtime", "", "", wc1 + `{"msgid":"5","action":"switch","time":1709604072000,"user":"Liu"}`, "c1 m1 d0 e1 r0 R0"},
		{"agree and disagree", "", "", wc1 + repl(revoke1, `"revoke"`, `"agree"`) + repl(revoke1, `"revoke"`, `"disagree"`), "c1 m1 d0 e2 r0 R0"},
		{"an id again in the same conversation", "", "", wc1 + repl(wc1, "一", "别的", `"1"`, `" 1\t"`), "c1 m1 d1 e0 r0 R0"},
		{"ids that differ in case are two messages", "", "", repl(wc1, `"1"`, `"a"`) + repl(wc1, `"1"`, `"A"`), "c1 m2 d0 e0 r0 R0"},
		{"an id again in another conversation", "", "", wc1 + repl(wc1, "wmA", "wmB"), "c2 m2 d0 e0 r0 R0"},
		{"a room is one conversation whoever writes", "", "", repl(wc1, `"roomid":""`, `"roomid":"wr1"`) + repl(wc2, `"tolist":["wmA"]`, `"roomid":"wr1"`), "c1 m2 d0 e0 r0 R0"},
		{"a room and the pair are two", "", "", repl(wc1, `"roomid":""`, `"roomid":"wr1"`) + wc2, "c2 m2 d0 e0 r0 R0"},
		{"an empty tolist and no room", "", "", wc1 + repl(wc2, `["wmA"]`, `[]`), "c1 m1 d0 e0 r1 R0 no_conversation"},
		{"a time in seconds is not taken for milliseconds", "", "", wc1 + repl(wc2, "1709604073000", "1709604073"), "c1 m1 d0 e0 r1 R0 time_range"},
		{"no msgtype", "", "", wc1 + repl(wc2, `"msgtype":"text",`, ""), "c1 m1 d0 e0 r1 R0 no_kind"},
		{"no from", "", "", wc1 + repl(wc2, `"from":"Liu",`, ""), "c1 m1 d0 e0 r1 R0 no_sender"},
		{"no msgtime", "", "", wc1 + repl(wc2, `"msgtime":"1709604073000",`, ""), "c1 m1 d0 e0 r1 R0 no_time"},
		{"no msgid", "", "", wc1 + repl(wc2, `"msgid":"2",`, ""), "c1 m1 d0 e0 r1 R0 no_id"},
		{"a key in other letters is another key", "", "", wc1 + repl(wc2, `"msgid"`, `"MsgId"`), "c1 m1 d0 e0 r1 R0 no_id"},
		{"a text of white space only", "", "", wc1 + repl(wc2, "二", ` \n　`), "c1 m1 d0 e0 r1 R0 no_text"},
		{"a text without its body", "", "", wc1 + repl(wc2, `,"text":{"content":"二"}`, ""), "c1 m1 d0 e0 r1 R0 no_text"},
		{"an unknown kind is a message of that kind", "", "", wc1 + repl(wc2, `"text","text":{"content":"二"}`, `"sphfeed"`), "c1 m2 d0 e0 r0 R0"},
		{"a list, a word and a number are records", "", "", wc1 + "[1]\n\"x\"\n7\n", "c1 m1 d0 e0 r3 R0 not_object not_object not_object"},
		{"a broken line costs no other", "", "", wc1 + `{"msgid":` + "\n" + wc2, "c1 m2 d0 e0 r1 R0 not_json"},
		{"empty lines and CRLF", "", "", "\n" + repl(wc1, "\n", "\r\n") + "\r\n  \n" + wc2, "c1 m2 d0 e0 r0 R0"},
		{"a mark at the beginning", "", "", "\xef\xbb\xbf" + wc1, "c1 m1 d0 e0 r0 R0"},
		{"a line that is no UTF-8", "", "", wc1 + repl(wc2, "二", "\xb6\xfe"), "c1 m1 d0 e0 r1 R0 bad_encoding"},
		{"a text of a million characters", "", "", repl(wc1, "一", long), "c1 m1 d0 e0 r0 R0"},
		{"a text of a million and one", "", "", wc1 + repl(wc2, "二", long+"好"), "c1 m1 d0 e0 r1 R0 text_too_long"},
		{"JSON a hundred thousand levels deep", "", "", wc1 + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "\n", "c1 m1 d0 e0 r1 R0 not_json"},
		{"an empty file", WeCom, "a.jsonl", "", FileEmpty},
		{"a file of empty lines", WeCom, "a.jsonl", "\n\r\n \n", FileEmpty},
		{"a table that claims to be JSON lines", WeCom, "a.jsonl", head + row1, FileNotJSON},
		{"the same, nobody saying which", "", "a.jsonl", head + row1, FileUnknown},
		{"lines of another platform", WeCom, "a.jsonl", dt1, FileWrongFormat},
		{"UTF-16 is no JSON", WeCom, "a.jsonl", utf16(wc1), FileNotJSON},
		{"objects that are nothing we know", "", "a.jsonl", "{\"a\":1}\n", FileUnknown},
	})
}

func TestDingTalkRecords(t *testing.T) {
	agent := repl(dt1, `"senderId":"s"`, `"senderStaffId":"u1","senderCorpId":"k","chatbotCorpId":"k"`, `"1"`, `"2"`)
	keep(t, []promise{
		{"a text", "", "", dt1, "c1 m1 d0 e0 r0 R0"},
		{"a callback that came again", "", "", dt1 + agent + dt1, "c1 m2 d1 e0 r0 R0"},
		{"no conversation", "", "", dt1 + repl(dt1, `"conversationId":"c",`, ""), "c1 m1 d0 e0 r1 R0 no_conversation"},
		{"nobody", "", "", dt1 + repl(dt1, `"senderId":"s",`, ""), "c1 m1 d0 e0 r1 R0 no_sender"},
		{"a picture with a body", "", "", repl(dt1, `"text","text":{"content":" 好"}`, `"picture","content":{"downloadCode":"x"}`), "c1 m1 d0 e0 r0 R0"},
		{"a picture with an empty body", "", "", dt1 + repl(dt1, `"text","text":{"content":" 好"}`, `"picture","content":{}`), "c1 m1 d0 e0 r1 R0 no_text"},
		{"a picture without a body", "", "", dt1 + repl(dt1, `"text","text":{"content":" 好"}`, `"picture"`), "c1 m1 d0 e0 r1 R0 no_text"},
		{"a time as digits", "", "", repl(dt1, "1712718000000", `"1712718000000"`), "c1 m1 d0 e0 r0 R0"},
		{"a time as words", "", "", dt1 + repl(dt1, "1712718000000", `"2024-04-10 11:00:00"`), "c1 m1 d0 e0 r1 R0 bad_time"},
	})
	_, seen := readAll(t, text("x", dt1+agent+repl(agent, `"chatbotCorpId":"k"`, `"chatbotCorpId":"other"`, `"2"`, `"3"`)), Options{})
	for i, want := range []Sender{Customer, Agent, Customer} {
		if got := seen[0].Messages[i].Sender; got != want {
			t.Errorf("message %d is of the %s, want %s", i, got, want)
		}
	}
	if got := seen[0].Messages[0].Text; got != " 好" {
		t.Errorf("text = %q; the space before it is kept", got)
	}
}

func TestSobotAndNeutralRecords(t *testing.T) {
	two := repl(neu, `"id":"1"`, `"id":"2"`)
	msg := func(bend ...string) string { return neu + repl(two, bend...) }
	keep(t, []promise{
		{"a push", "", "", sb1, "c1 m1 d0 e0 r0 R0"},
		{"a push without content", "", "", sb1 + repl(sb1, `"好"`, `""`), "c1 m1 d0 e0 r1 R0 no_text"},
		{"a push without its chat's time", "", "", sb1 + repl(sb1, `,"createChatTime":1719799200000`, ""), "c1 m1 d0 e0 r1 R0 no_time"},
		{"one conversation on two lines", "", "", neu + two, "c1 m2 d0 e0 r0 R0"},
		{"an id again on another line", "", "", neu + repl(neu, "好", "坏"), "c1 m1 d1 e0 r0 R0"},
		{"one id on two platforms", "", "", neu + repl(neu, "sobot", "wechat"), "c2 m2 d0 e0 r0 R0"},
		{"no id is never a duplicate", "", "", repl(neu+neu, `"id":"1",`, ""), "c1 m2 d0 e0 r0 R0"},
		{"a blank id is none", "", "", repl(neu+neu, `"id":"1",`, `"id":" ",`), "c1 m2 d0 e0 r0 R0"},
		{"no platform is one rejected line", "", "", neu + repl(neu, `"platform":"sobot",`, ""), "c1 m1 d0 e0 r1 R0 no_platform"},
		{"no external id", "", "", neu + repl(neu, `"external_id":"x",`, ""), "c1 m1 d0 e0 r1 R0 no_conversation"},
		{"messages that are no list", "", "", neu + `{"platform":"qq","external_id":"y","messages":{}}`, "c1 m1 d0 e0 r1 R0 no_messages"},
		{"no message at all is no record", "", "", neu + `{"platform":"qq","external_id":"y","messages":[]}`, "c1 m1 d0 e0 r0 R0"},
		{"a message that is no object", "", "", neu + `{"platform":"qq","external_id":"y","messages":[7]}`, "c1 m1 d0 e0 r1 R0 not_object"},
		{"an unknown sender", "", "", msg(`"customer"`, `"nobody"`), "c1 m1 d0 e0 r1 R0 bad_sender"},
		{"no sender", "", "", msg(`"sender":"customer",`, ""), "c1 m1 d0 e0 r1 R0 no_sender"},
		{"a time as a number", "", "", msg(`"2024-01-01T10:00:00+08:00"`, "1704074400"), "c1 m1 d0 e0 r1 R0 bad_time"},
		{"the 30th of February", "", "", msg("2024-01-01T", "2024-02-30T"), "c1 m1 d0 e0 r1 R0 bad_time"},
		{"the year 2100", "", "", msg("2024-01-01T", "2100-01-01T"), "c1 m1 d0 e0 r1 R0 time_range"},
		{"an image without a name", "", "", msg(`"text","text":"好"`, `"image"`), "c1 m2 d0 e0 r0 R0"},
		{"an attachment without text", "", "", msg(`"text":"好"`, `"attachment":"a.jpg"`), "c1 m2 d0 e0 r0 R0"},
		{"recalled", "", "", msg(`"text":"好"`, `"text":"好","recalled":true`), "c1 m2 d0 e0 r0 R1"},
		{"NUL alone is no text", "", "", msg("好", `\u0000`), "c1 m1 d0 e0 r1 R0 no_text"},
	})
}

func TestTableRows(t *testing.T) {
	keep(t, []promise{
		{"two rows", "", "a.csv", head + row1 + row2, "c1 m2 d0 e0 r0 R0"},
		{"a header without rows is no error", "", "a.csv", head, "c0 m0 d0 e0 r0 R0"},
		{"an empty file", "", "a.csv", "", FileEmpty},
		{"rows without a header", "", "a.csv", row1 + row2, FileNoHeader},
		{"a header without the sender's side", "", "a.csv", repl(head, "发送方,", "") + row1, FileNoHeader},
		{"CRLF and no line end at the end", "", "a.csv", strings.TrimSuffix(repl(head+row1+row2, "\n", "\r\n"), "\r\n"), "c1 m2 d0 e0 r0 R0"},
		{"tabs", "", "a.tsv", repl(head+row1+row2, ",", "\t"), "c1 m2 d0 e0 r0 R0"},
		{"tabs under the name of CSV", "", "a.csv", repl(head+row1+row2, ",", "\t"), "c1 m2 d0 e0 r0 R0"},
		{"UTF-16 with tabs", "", "a.txt", utf16(repl(head+row1+row2, ",", "\t", "\n", "\r\n")), "c1 m2 d0 e0 r0 R0"},
		{"a mark and quotes", "", "a.csv", "\xef\xbb\xbf" + head + repl(row1, ",一,", `,"他说""好"",行`+"\n"+`第二行",`), "c1 m1 d0 e0 r0 R0"},
		{"white space around header words", "", "a.csv", repl(head, "会话ID", " 会话ID ") + row1, "c1 m1 d0 e0 r0 R0"},
		{"序号 is no message id", "", "a.csv", repl(head, "消息ID", "序号") + row1 + row1, "c1 m2 d0 e0 r0 R0"},
		{"a message id again", "", "a.csv", head + row1 + repl(row1, ",1,", `," 1 ",`, "一", "别的"), "c1 m1 d1 e0 r0 R0"},
		{"one id on two platforms in one table", "", "a.csv", head + row1 + repl(row1, "千牛", "微信"), "c2 m2 d0 e0 r0 R0"},
		{"two names of one platform", "", "a.csv", head + row1 + repl(row1, "千牛", "旺旺", ",1,", ",7,"), "c1 m2 d0 e0 r0 R0"},
		{"an unknown word for the side", "", "a.csv", head + row1 + repl(row2, "客服", "路人"), "c1 m1 d0 e0 r1 R0 bad_sender"},
		{"no side", "", "a.csv", head + row1 + repl(row2, "客服", ""), "c1 m1 d0 e0 r1 R0 no_sender"},
		{"missing cells at the end are empty", "", "a.csv", head + row1 + repl(row2, ",二,,否", ",二"), "c1 m2 d0 e0 r0 R0"},
		{"a text is missing with them", "", "a.csv", head + row1 + repl(row2, ",二,,否", ""), "c1 m1 d0 e0 r1 R0 no_text"},
		{"more cells than the header", "", "a.csv", head + row1 + repl(row2, "否", "否,x"), "c1 m1 d0 e0 r1 R0 too_many_cells"},
		{"one empty cell too many", "", "a.csv", head + repl(row1, "否", "否,") + row2, "c1 m1 d0 e0 r1 R0 too_many_cells"},
		{"rows of empty cells are no records", "", "a.csv", head + ",,,,,,,,\n\n , ,,\n" + row1 + ",,,,,,,,,,,,\n", "c1 m1 d0 e0 r0 R0"},
		{"an attachment instead of text", "", "a.csv", head + repl(row1, "一,", ",a.jpg"), "c1 m1 d0 e0 r0 R0"},
		{"a picture without either", "", "a.csv", head + repl(row1, "文本,一", "图片,"), "c1 m1 d0 e0 r0 R0"},
		{"the words for recalled", "", "a.csv", head + repl(row1, "否", "是") + repl(row2, "否", "TRUE", ",2,", ",3,") + repl(row2, "否", "yes"), "c1 m3 d0 e0 r0 R2"},
		{"the first of two copies decides about recalled", "", "a.csv", head + row1 + repl(row1, "否", "是"), "c1 m1 d1 e0 r0 R0"},
		{"a broken first copy is none", "", "a.csv", head + repl(row1, "一", "") + row1, "c1 m1 d0 e0 r1 R0 no_text"},
		{"a title above the header", "", "a.csv", "导出\n\n" + head + row1, "c1 m1 d0 e0 r0 R0"},
		{"a broken byte in UTF-8 rejects its row", "", "a.csv", head + row1 + repl(row2, "二", "二\xff"), "c1 m1 d0 e0 r1 R0 bad_encoding"},
		{"JSON that claims to be CSV", "", "a.csv", wc1, FileNoHeader},
		{"a picture that claims to be CSV", "", "a.csv", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", FileNoHeader},
		{"text that claims to be a spreadsheet", "", "a.xlsx", head + row1, FileNotClaimed},
		{"an old spreadsheet", "", "a.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", FileOldWorkbook},
		{"a format nobody knows", "fax", "a.csv", head, FileUnsupported},
	})
}

func TestQuotesThatGoWrong(t *testing.T) {
	open := repl(row1, "一", `"没有结束`, ",1,", ",8,")
	quoted := repl(row2, "二", `"逗号,在内"`)
	all := func(s string) string {
		return `"` + repl(strings.TrimSuffix(s, "\n"), ",", `","`) + `"` + "\n"
	}
	keep(t, []promise{
		{"in the last row", "", "a.csv", head + row1 + open, "c1 m1 d0 e0 r1 R0 open_quote"},
		{"in the last row, whose text has more lines", "", "a.csv", head + row1 + strings.TrimSuffix(open, ",,否\n") + "\n第二行\n\n第三行, 还有", "c1 m1 d0 e0 r1 R0 open_quote"},
		{"in the middle, no quote behind", "", "a.csv", head + row1 + open + row2, "c1 m2 d0 e0 r1 R0 open_quote"},
		{"in the middle, quoted cells behind", "", "a.csv", head + row1 + open + quoted + repl(row1, ",1,", ",3,"), "c1 m3 d0 e0 r1 R0 open_quote"},
		{"twice, one after the other", "", "a.csv", head + row1 + open + open + row2, "c1 m2 d0 e0 r2 R0 open_quote open_quote"},
		{"in a file where all cells are quoted", "", "a.csv", all(head) + all(row1) + repl(all(row1), `"否"`, `"否`, `"1"`, `"8"`) + all(row2), "c1 m2 d0 e0 r1 R0 open_quote"},
		{"a bad row behind it is a record of its own", "", "a.csv", head + open + repl(row2, "客服", "路人") + row1, "c1 m1 d0 e0 r2 R0 open_quote bad_sender"},
		{"quotes that were not doubled stay", "", "a.csv", head + repl(row1, "一", `"他说"好"，行"`) + repl(row2, "二", `5"屏`), "c1 m2 d0 e0 r0 R0"},
		{"in the header", "", "a.csv", `"` + head + row1, FileNoHeader},
	})
	_, seen := readAll(t, text("a.csv", head+repl(row1, "一", `"他说"好"，行"`)+repl(row2, "二", `5"屏`)), Options{})
	if got := seen[0].Messages[0].Text + "|" + seen[0].Messages[1].Text; got != `他说"好"，行|5"屏` {
		t.Errorf("texts = %q", got)
	}
}

func TestAnEndlessQuoteDoesNotFillTheMemory(t *testing.T) {
	rows := head + repl(row1, "一", `"`) + strings.Repeat(row2, 400_000) // 21 MB without a quote
	rep, _ := readAll(t, text("a.csv", rows), Options{})
	if got, want := outcome(rep), "c1 m1 d399999 e0 r1 R0 record_too_long"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	long := head + row1 + strings.Repeat("x", 20<<20) + "\n" + row2
	if got, want := outcome(first(readAll(t, text("a.csv", long), Options{}))), "c1 m2 d0 e0 r1 R0 record_too_long"; got != want {
		t.Errorf("a line of 20 MB: got %s, want %s", got, want)
	}
	lines := wc1 + `{"msgid":"` + strings.Repeat("x", 3<<20) + `"}` + "\n" + wc2
	if got, want := outcome(first(readAll(t, text("a", lines), Options{Limits: Limits{MaxRecordBytes: 1 << 20}}))), "c1 m2 d0 e0 r1 R0 record_too_long"; got != want {
		t.Errorf("a JSON line of 3 MB: got %s, want %s", got, want)
	}
}

func first(r Report, _ []*Conversation) Report { return r }

func TestMemoTraceRows(t *testing.T) {
	r := "1,7,1,0,1,1716168605,2,好,2024-05-20 09:30:05\n"
	keep(t, []promise{
		{"the columns of old versions", "", "a.csv", memo + r, "c1 m1 d0 e0 r0 R0"},
		{"StrTime where CreateTime is missing", "", "a.csv", memo + repl(r, "1716168605", ""), "c1 m1 d0 e0 r0 R0"},
		{"StrTime where CreateTime is no number", "", "a.csv", memo + repl(r, "1716168605", "n/a"), "c1 m1 d0 e0 r0 R0"},
		{"CreateTime decides even when it is out of range", "", "a.csv", memo + r + repl(r, "1716168605", "0"), "c1 m1 d0 e0 r1 R0 time_range"},
		{"neither time", "", "a.csv", memo + r + repl(r, "1716168605", "", "2024-05-20 09:30:05", ""), "c1 m1 d0 e0 r1 R0 no_time"},
		{"IsSender is neither 0 nor 1", "", "a.csv", memo + r + repl(r, "0,1,17", "0,2,17"), "c1 m1 d0 e0 r1 R0 bad_sender"},
		{"Type is no number", "", "a.csv", memo + r + repl(r, "7,1,0", "7,文本,0"), "c1 m1 d0 e0 r1 R0 bad_kind"},
		{"only Type 1 needs a text", "", "a.csv", memo + repl(r, "7,1,0", "7,49,6", "好", "") + repl(r, "好", ""), "c1 m1 d0 e0 r1 R0 no_text"},
		{"a localId again", "", "a.csv", memo + r + r, "c1 m1 d1 e0 r0 R0"},
		{"a localId again in another conversation", "", "a.csv", memo + r + repl(r, "1,7,", "1,8,"), "c2 m2 d0 e0 r0 R0"},
		{"a system line is an ordinary message", "", "a.csv", memo + repl(r, "7,1,0", "7,10000,0", "好", "撤回了一条消息"), "c1 m1 d0 e0 r0 R0"},
		{"a generic table is none", WeChat, "a.csv", head + row1, FileNoHeader},
		{"and the other way round", Table, "a.csv", memo + r, FileNoHeader},
	})
}

func TestQQBlocks(t *testing.T) {
	rule := strings.Repeat("=", 64) + "\n"
	top := qqHead + "，不支持重新导入）\n\n"
	section := func(group, object, body string) string {
		return rule + "消息分组:" + group + "\n" + rule + "消息对象:" + object + "\n" + rule + "\n" + body
	}
	a, b := "2024-06-01 09:05:07 王\n你好\n\n", "2024-06-01 9:05:08 店\n在\n\n"
	keep(t, []promise{
		{"two people", "", "a.txt", top + section("买家", "王", a+b) + section("买家", "李", a), "c2 m3 d0 e0 r0 R0"},
		{"one name in two groups is two conversations", "", "a.txt", top + section("买家", "王", a) + section("同行", "王", b), "c2 m2 d0 e0 r0 R0"},
		{"an impossible date takes its text along", "", "a.txt", top + section("买家", "王", a+"2024-02-30 10:00:00 王\n第一行\n第二行\n\n"+b), "c1 m2 d0 e0 r1 R0 bad_time"},
		{"an impossible hour", "", "a.txt", top + section("买家", "王", a+"2024-02-20 25:00:00 王\n第一行\n"), "c1 m1 d0 e0 r1 R0 bad_time"},
		{"a year of two digits is text", "", "a.txt", top + section("买家", "王", a+"24-02-20 10:00:00 王\n"), "c1 m1 d0 e0 r0 R0"},
		{"no text", "", "a.txt", top + section("买家", "王", a+"2024-06-01 09:05:09 王\n\n\n"), "c1 m1 d0 e0 r1 R0 no_text"},
		{"nobody", "", "a.txt", top + section("买家", "王", a+"2024-06-01 09:05:09 \n喂\n"), "c1 m1 d0 e0 r1 R0 no_sender"},
		{"a rule inside a text stays text", "", "a.txt", top + section("买家", "王", "2024-06-01 09:05:07 王\n"+rule+"上面是线\n"+rule), "c1 m1 d0 e0 r0 R0"},
		{"no section is an empty export", "", "a.txt", top, "c0 m0 d0 e0 r0 R0"},
		{"CRLF and GB18030", "", "a.txt", gb18030(t, repl(top+section("买家", "王", a+b), "\n", "\r\n")), "c1 m2 d0 e0 r0 R0"},
		{"any other text is none", QQ, "a.txt", "2024-06-01 09:05:07 王\n你好\n", FileNotQQ},
	})
	group := section("群", "售后群", "2024-06-01 09:05:07 小太阳<a@b.c>\n\n一\n\n二\n\n2024-06-01 09:05:08 【群主】店(100)\n在\n")
	_, seen := readAll(t, text("a.txt", top+group), Options{})
	m := seen[0].Messages
	if m[0].Sender != Customer || m[0].SenderName != "小太阳" || m[0].Text != "一\n\n二" {
		t.Errorf("first = %+v", m[0])
	}
	if m[1].Sender != Agent || m[1].SenderName != "店" || seen[0].AgentID != "100" {
		t.Errorf("second = %+v of %q", m[1], seen[0].AgentID)
	}
}

func TestWangwangAnswers(t *testing.T) {
	msg := `{"direction":1,"time":"2024-03-05 19:40:00","content":"好"}`
	answer := func(outer, ret, msgs string) string {
		return fmt.Sprintf("{\n%q: {\"count\": 1, \"msgs\": %s, \"ret\": %s}}", outer, msgs, ret)
	}
	const long, short = "wangwang_eservice_chatlog_get_response", "chatlog_get_response"
	keep(t, []promise{
		{"a list", "", "a.json", answer(long, "10000", `{"msg":[`+msg+`,`+msg+`]}`), "c1 m2 d0 e0 r0 R0"},
		{"an object where there is one only", "", "a.json", answer(short, "10000", `{"msg":`+msg+`}`), "c1 m1 d0 e0 r0 R0"},
		{"words for numbers", "", "a.json", answer(short, `"10000"`, `{"msg":[`+repl(msg, "1,", `"0",`)+`]}`), "c1 m1 d0 e0 r0 R0"},
		{"an unknown direction", "", "a.json", answer(long, "10000", `{"msg":[`+msg+`,`+repl(msg, ":1,", ":2,")+`]}`), "c1 m1 d0 e0 r1 R0 bad_sender"},
		{"no direction", "", "a.json", answer(long, "10000", `{"msg":[`+msg+`,`+repl(msg, `"direction":1,`, "")+`]}`), "c1 m1 d0 e0 r1 R0 no_sender"},
		{"an element that is no object", "", "a.json", answer(long, "10000", `{"msg":[`+msg+`,null]}`), "c1 m1 d0 e0 r1 R0 not_object"},
		{"no messages", "", "a.json", answer(long, "10000", `{}`), "c0 m0 d0 e0 r0 R0"},
		{"no list", "", "a.json", answer(long, "10000", `null`), "c0 m0 d0 e0 r0 R0"},
		{"an error of the shop's system", "", "a.json", answer(long, "50000", `{"msg":[`+msg+`]}`), FileAnswerFailed},
		{"no ret", "", "a.json", repl(answer(long, "1", `{}`), `, "ret": 1`, ""), FileAnswerFailed},
		{"cut off", "", "a.json", answer(long, "10000", `{"msg":[`+msg), FileNotJSON},
		{"another answer", Qianniu, "a.json", `{"error_response":{"code":27}}`, FileNotAnswer},
		{"a broken byte in one message", "", "a.json", answer(long, "10000", `{"msg":[`+repl(msg, "好", "\xff")+`,`+msg+`]}`), "c1 m1 d0 e0 r1 R0 bad_encoding"},
	})
	src := text("a.json", answer(long, "10000", `{"msg":[`+msg+`]}`))
	src.Request = []byte(`{"from_id":"cntaobao店:小清","to_id":"cntaobaob1"}`)
	_, seen := readAll(t, src, Options{})
	if c := seen[0]; c.ExternalID != "cntaobao店:小清|cntaobaob1" || c.AgentName != "店:小清" || c.Messages[0].SenderName != "b1" {
		t.Errorf("conversation = %+v", c)
	}
	src.Request = []byte(`{"from_id":`)
	if got := outcome(first(readAll(t, src, Options{}))); got != FileBadRequest {
		t.Errorf("a broken request: %s", got)
	}
}

func TestBrokenArchivesAreFileErrors(t *testing.T) {
	for _, body := range []string{"PK\x03\x04", "PK\x05\x06" + strings.Repeat("\x00", 18), "PK\x03\x04" + strings.Repeat("\xff", 4000)} {
		rep, _ := readAll(t, Source{Name: "a.xlsx", Body: bytes.NewReader([]byte(body)), Size: int64(len(body))}, Options{})
		if got := outcome(rep); got != FileNotWorkbook {
			t.Errorf("%q: %s", body[:4], got)
		}
	}
}
