package format

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// headBytes is how much of a file is looked at to tell its format.
const headBytes = 1 << 20

// signatures are the keys by which a JSON line betrays its format.
var signatures = map[string][]string{
	Neutral:  {"platform", "external_id", "messages"},
	WeCom:    {"msgid", "msgtype", "msgtime", "tolist", "roomid", "action", "from"},
	DingTalk: {"conversationId", "msgId", "msgtype", "createAt", "senderNick", "senderId", "senderStaffId", "chatbotCorpId", "chatbotUserId", "robotCode", "sessionWebhook"},
	Sobot:    {"partnerId", "msgId", "msgType", "createChatTime", "sysNum", "aname", "aface"},
}

// endings are the names of text files by what they claim to be.
var (
	tableEndings = []string{".csv", ".tsv", ".tab"}
	lineEndings  = []string{".jsonl", ".ndjson", ".jsonlines"}
)

// read finds out what the file is and reads it.
func (c *collector) read() error {
	switch {
	case c.opt.Format != "" && !slices.Contains(Formats, c.opt.Format):
		return fileError(FileUnsupported, c.opt.Format)
	case c.src.Size == 0:
		return fileError(FileEmpty)
	case c.src.Size > c.lim.MaxBytes:
		return fileError(FileTooLarge, c.lim.MaxBytes)
	}
	head := make([]byte, min(c.src.Size, headBytes))
	if _, err := io.ReadFull(io.NewSectionReader(c.src.Body, 0, c.src.Size), head); err != nil {
		return err
	}
	want := c.opt.Format
	if want == Auto {
		want = ""
	}
	ending := strings.ToLower(filepath.Ext(c.src.Name))
	if isWorkbook, err := claimsWorkbook(head, ending, want); err != nil {
		return err
	} else if isWorkbook {
		return c.readWorkbook(want)
	}
	text := bytes.TrimPrefix(head, utf8BOM)
	if !looksLikeJSON(bytes.TrimLeft(text, " \t\r\n"), ending) { // JSON is always UTF-8 (rule 9)
		var err error
		if text, err = c.decodeHead(head); err != nil {
			return err
		}
	}
	if len(bytes.Trim(text, " \t\r\n\x00")) == 0 && c.src.Size <= headBytes {
		return fileError(FileEmpty)
	}
	return c.readText(want, ending, text)
}

// decodeHead finds out the encoding of the whole file and decodes its beginning.
func (c *collector) decodeHead(head []byte) ([]byte, error) {
	set, err := c.charsetOf()
	if err != nil {
		return nil, err
	}
	c.set = set
	return io.ReadAll(decodeText(bytes.NewReader(head), set))
}

// claimsWorkbook tells spreadsheets from text, and files that are neither or the wrong one.
func claimsWorkbook(head []byte, ending, want string) (bool, error) {
	zipped := bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
	switch {
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return false, fileError(FileOldWorkbook)
	case zipped && (ending == ".json" || ending == ".txt" || slices.Contains(tableEndings, ending) || slices.Contains(lineEndings, ending)),
		!zipped && (ending == ".xlsx" || ending == ".xlsm"):
		return false, fileError(FileNotClaimed, ending)
	case !zipped:
		return false, nil
	case want != "" && want != Table && want != WeChat:
		return false, fileError(FileWrongFormat, want, Table)
	}
	return true, nil
}

// readText reads a text file as what is wanted, or as what it looks like.
func (c *collector) readText(want, ending string, text []byte) error {
	found := guess(text, ending)
	if want == "" {
		if found == "" {
			return fileError(FileUnknown)
		}
		want = found
	}
	c.report.Format = want
	switch {
	case jsonFormats[want] != nil:
		// A file may consist of broken lines; it is another format only if it is plainly that.
		if found != want && found != "" && found != Table {
			return fileError(FileWrongFormat, want, found)
		}
		return c.readLines(jsonFormats[want])
	case want == Qianniu:
		return c.readWangwang()
	case want == QQ:
		return c.readQQ()
	}
	if found != Table && found != "" {
		return fileError(FileWrongFormat, want, found)
	}
	format := want
	if c.opt.Format == "" || c.opt.Format == Auto {
		format = ""
	}
	return c.readDelimited(format, delimiter(text, ending, format))
}

// guess tells the format of a text by its beginning; "" when it is nothing we know. Table says
// no more than that it may be one: the header decides.
func guess(text []byte, ending string) string {
	body := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case slices.Contains(tableEndings, ending):
		return Table
	case looksLikeJSON(body, ending):
		return guessJSON(body)
	case looksLikeQQ(body):
		return QQ
	}
	return Table
}

func looksLikeJSON(body []byte, ending string) bool {
	return ending == ".json" || slices.Contains(lineEndings, ending) ||
		bytes.HasPrefix(body, []byte("{")) || bytes.HasPrefix(body, []byte("["))
}

// looksLikeQQ finds the first line of an export, or the head of a section.
func looksLikeQQ(text []byte) bool {
	return bytes.HasPrefix(text, []byte(qqHead)) ||
		bytes.Contains(text, []byte(qqRule)) && bytes.Contains(text, []byte("消息对象"))
}

// guessJSON weighs the keys of the lines it can see, broken ones and cut ones too.
func guessJSON(text []byte) string {
	if key := firstKey(text); slices.Contains(answerKeys, key) || key == "error_response" {
		return Qianniu
	}
	score := make(map[string]int)
	for line := range bytes.Lines(text) {
		line = skipSpace(line)
		if len(line) == 0 || line[0] != '{' {
			continue
		}
		eachField(line, func(key string, _ value) {
			for name, keys := range signatures {
				if slices.Contains(keys, key) {
					score[name]++
				}
			}
		})
	}
	best := ""
	for _, name := range []string{Neutral, WeCom, DingTalk, Sobot} {
		if score[name] > score[best] {
			best = name
		}
	}
	return best
}

// firstKey is the first key of the object at the beginning of text.
func firstKey(text []byte) (key string) {
	if len(text) == 0 || text[0] != '{' {
		return ""
	}
	b := skipSpace(text[1:])
	if len(b) == 0 || b[0] != '"' {
		return ""
	}
	key, _ = value(b[:stringSpan(b)]).str()
	return key
}

// delimiter tells commas from tabs by trying to find the header.
func delimiter(text []byte, ending, format string) byte {
	order := []byte{',', '\t'}
	if ending == ".tsv" || ending == ".tab" {
		order = []byte{'\t', ','}
	}
	for _, d := range order {
		rows := newCSVReader(bytes.NewReader(text), d, maxCSVRecord, false)
		finder := &headerFinder{format: format}
		if l, _, _, err := finder.find(rows); err == nil && l != nil {
			return d
		}
	}
	return order[0]
}
