package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// lineFunc reads the object of one JSON line.
type lineFunc func(c *collector, o object, p Position) error

// jsonFormats are the formats with one JSON object a line, by name.
var jsonFormats = map[string]lineFunc{
	Neutral:  readNeutral,
	WeCom:    readWeCom,
	DingTalk: readDingTalk,
	Sobot:    readSobot,
}

var utf8BOM = []byte("\xef\xbb\xbf")

// readLines reads a file of JSON lines. A line that cannot be read is one rejected record; a
// file in which nothing even begins like a JSON object or list is not what it claims to be.
func (c *collector) readLines(read lineFunc) error {
	lines := newLineReader(c.body(), c.lim.MaxRecordBytes)
	var seen, jsonLike bool
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if lines.line == 1 {
			line = bytes.TrimPrefix(line, utf8BOM)
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 && !lines.long {
			continue
		}
		seen = true
		jsonLike = jsonLike || lines.long || line[0] == '{' || line[0] == '['
		if err := c.readLine(read, line, lines); err != nil {
			return err
		}
	}
	switch {
	case !seen:
		return fileError(FileEmpty)
	case !jsonLike:
		return fileError(FileNotJSON)
	}
	return nil
}

func (c *collector) readLine(read lineFunc, line []byte, lines *lineReader) error {
	if err := c.record(); err != nil {
		return err
	}
	pos := Position{Line: lines.line}
	if lines.long {
		c.reject(pos, ReasonTooLong)
		return nil
	}
	if !utf8.Valid(line) {
		c.reject(pos, ReasonBadEncoding)
		return nil
	}
	if !json.Valid(line) {
		c.reject(pos, ReasonNotJSON)
		return nil
	}
	o, ok := value(line).fields()
	if !ok {
		c.reject(pos, ReasonNotObject)
		return nil
	}
	return read(c, o, pos)
}
