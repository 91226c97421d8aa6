package format

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// memoLayout reads the columns of MemoTrace (留痕), by name.
type memoLayout struct {
	column map[string]int
}

// memoColumns are the columns that MemoTrace writes; versions that stop after StrTime exist.
var memoColumns = []string{
	"localId", "TalkerId", "Type", "SubType", "IsSender", "CreateTime",
	"Status", "StrContent", "StrTime", "Remark", "NickName", "Sender",
}

func newMemoLayout(header []cell) (*memoLayout, []string) {
	l := &memoLayout{column: make(map[string]int)}
	for i, c := range header {
		name := c.word()
		if _, twice := l.column[name]; !twice && slices.Contains(memoColumns, name) {
			l.column[name] = i
		}
	}
	var missing []string
	for _, name := range []string{"TalkerId", "Type", "IsSender", "StrContent"} {
		if _, ok := l.column[name]; !ok {
			missing = append(missing, name)
		}
	}
	_, created := l.column["CreateTime"]
	_, written := l.column["StrTime"]
	if !created && !written {
		missing = append(missing, "CreateTime")
	}
	if missing != nil {
		return nil, missing
	}
	return l, nil
}

func (l *memoLayout) get(cells []cell, name string) cell {
	i, ok := l.column[name]
	if !ok {
		return cell{}
	}
	return cellAt(cells, i)
}

func (l *memoLayout) fits(cells []cell) bool {
	_, side := memoSide(l.get(cells, "IsSender").id())
	_, reason := l.time(cells)
	return side && reason == "" && l.get(cells, "TalkerId").id() != ""
}

func memoSide(isSender string) (Sender, bool) {
	switch isSender {
	case "1":
		return Agent, true
	case "0":
		return Customer, true
	}
	return "", false
}

func (l *memoLayout) message(cells []cell) (*Conversation, Message, string) {
	word := func(name string) string { return l.get(cells, name).word() }
	id := func(name string) string { return l.get(cells, name).id() }
	conv := &Conversation{Platform: platformWeChat, ExternalID: id("TalkerId")}
	m := Message{ID: id("localId"), Text: l.get(cells, "StrContent").text, SenderName: firstOf(word("Remark"), word("NickName"))}
	kind, number := memoKind(id("Type"), id("SubType"))
	m.Kind = kind
	var known bool
	m.Sender, known = memoSide(id("IsSender"))
	if m.Sender == Agent {
		conv.AgentID, conv.AgentName = id("Sender"), m.SenderName
	} else {
		conv.CustomerID, conv.CustomerName = id("Sender"), m.SenderName
	}
	if kind == kindSystem {
		m.Sender = System
	}
	var reason string
	m.At, reason = l.time(cells)
	switch {
	case slices.ContainsFunc(cells, func(c cell) bool { return c.bad }):
		reason = ReasonBadCell
	case conv.ExternalID == "":
		reason = ReasonNoConversation
	case id("IsSender") == "":
		reason = ReasonNoSender
	case !known:
		reason = ReasonBadSender
	case !number:
		reason = ReasonBadKind
	}
	return conv, m, reason
}

// time is CreateTime, in seconds; StrTime counts only where that is missing or no number.
func (l *memoLayout) time(cells []cell) (time.Time, string) {
	created := l.get(cells, "CreateTime")
	if !created.at.IsZero() {
		return inRange(created.at)
	}
	s := created.word()
	if n, ok := digits(s); ok {
		if len(s) == 13 { // milliseconds, as in any table (rule 10)
			return fromMillis(n)
		}
		return fromSeconds(n)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) {
		if math.Abs(f) > 1e11 {
			return time.Time{}, ReasonTimeRange
		}
		whole, frac := math.Modf(f)
		return inRange(time.Unix(int64(whole), int64(frac*1e9)))
	}
	t, reason := readCellTime(l.get(cells, "StrTime"))
	if reason == ReasonNoTime && strings.TrimSpace(s) != "" {
		reason = ReasonBadTime
	}
	return t, reason
}

// memoKind is the kind of WeChat's Type and SubType; ok is false when Type is no number.
func memoKind(kind, sub string) (name string, ok bool) {
	n, err := strconv.ParseFloat(kind, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return "", false
	}
	switch n {
	case 1:
		return kindText, true
	case 3:
		return kindImage, true
	case 34:
		return kindVoice, true
	case 43:
		return kindVideo, true
	case 47:
		return kindSticker, true
	case 10000:
		return kindSystem, true
	case 49:
		switch sub {
		case "6":
			return kindFile, true
		case "57":
			return kindQuote, true
		}
		return kindCard, true
	}
	return kindOther, true
}
