package handlers

import (
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/account"
	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/department"
	terms "qingdang/models/words"
	"qingdang/templates"
)

// clipRunes is how much of one message is shown.
const clipRunes = 20_000

func conversationView(d *conversation.Detail, l bin.Lock, tree *department.Tree, by account.Actor, now time.Time, part int, w terms.Query) templates.ConversationView {
	resting := d.State == conversation.Active || d.State == conversation.Hidden
	v := templates.ConversationView{
		ID: uint64(d.ID), Code: d.Code(), State: d.State.Code(), Agent: d.AgentName, Dept: tree.Name(d.DepartmentID), DeptPath: tree.Path(d.DepartmentID),
		Platform: d.Platform, Type: d.ServiceType, Tags: d.Tags, StartedAt: d.StartedAt, LastAt: d.LastAt,
		Messages: d.Messages, Attachments: d.Attachments, Bytes: d.Bytes,
		Held: l.Held, OrderOpen: l.OrderOpen, Forever: l.Forever, FloorUntil: l.FloorUntil,
		CanExport:  by.May(account.ExportCreate) && (by.Role != account.Agent || d.AgentID == by.StaffNo),
		CanTag:     resting && by.May(account.ConversationTag),
		CanHide:    d.State == conversation.Active && by.May(account.ConversationHide),
		CanUnhide:  d.State == conversation.Hidden && by.May(account.ConversationHide),
		CanDiscard: resting && by.May(account.ConversationDiscard) && (by.Role != account.Agent || d.AgentID == by.StaffNo),
		Part:       1, Parts: 1,
	}
	switch d.OrderState {
	case conversation.OrderOpen:
		v.Order = "open"
	case conversation.OrderClosed:
		v.Order = "closed"
	}
	if l.Batch != 0 {
		v.Bin = stay(l, by, now)
	}
	if d.Document == nil {
		return v
	}
	v.Readable, v.Name, v.Account = true, maskedName(d.Document.CustomerName), maskedAccount(d.Document.CustomerID)
	messages := d.Document.Messages
	v.Parts = max(1, (len(messages)+templates.TranscriptPart-1)/templates.TranscriptPart)
	v.Part = min(max(part, 1), v.Parts)
	v.Searched = len(w.All) > 0
	v.Items, v.Hits = transcript(d, v.Part, w)
	return v
}

func stay(l bin.Lock, by account.Actor, now time.Time) templates.BinStay {
	s := templates.BinStay{Code: l.BatchCode, Until: l.KeepUntil, Expired: !now.Before(l.KeepUntil)}
	s.CanRestore = by.May(account.BinRestore)
	if s.Expired {
		s.CanRestore = by.May(account.BinRestoreExpired)
	}
	if by.May(account.BinRead) {
		s.Path = "/bin"
	}
	return s
}

// transcript masks one part of the messages, from 1. Where there are words it looks through the others too,
// and tells of every hit in which part it stands.
func transcript(d *conversation.Detail, part int, w terms.Query) (out []templates.TranscriptItem, hits []int) {
	for i, m := range d.Document.Messages {
		here := i/templates.TranscriptPart + 1
		if here != part && len(w.All) == 0 {
			continue
		}
		item := transcriptItem(d, m, i, w)
		for j := range item.Parts {
			if item.Parts[j].Hit > 0 {
				hits = append(hits, here)
				item.Parts[j].Hit = len(hits)
			}
		}
		if here == part {
			out = append(out, item)
		}
	}
	return out, hits
}

func transcriptItem(d *conversation.Detail, m conversation.Message, i int, w terms.Query) templates.TranscriptItem {
	item := templates.TranscriptItem{ID: fmt.Sprintf("m%d", i+1), At: m.At.Time(), Sender: string(m.Sender), Kind: m.Kind, Recall: m.Recalled}
	switch m.Sender {
	case conversation.FromAgent:
		if item.Name = m.SenderName; item.Name == "" {
			item.Name = d.AgentName
		}
	case conversation.FromRobot:
		item.Name = m.SenderName
	case conversation.FromSystem:
	default:
		item.Sender = string(conversation.FromCustomer)
		if item.Name = maskedName(m.SenderName); item.Name == "" {
			item.Name = maskedName(d.Document.CustomerName)
		}
	}
	if m.Recalled {
		return item
	}
	item.File = maskedFile(m.Attachment)
	item.Parts, item.Clipped = maskedParts(m.Text, w)
	return item
}

// maskedFile keeps of a file's name its first letter and its ending: names of people stand
// in file names.
func maskedFile(name string) string {
	if name == "" {
		return ""
	}
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	name, _, _ = strings.Cut(name, "?")
	ext := path.Ext(name)
	if len(ext) > 6 || strings.ContainsFunc(ext[min(1, len(ext)):], func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') }) {
		ext = ""
	}
	first, _ := utf8.DecodeRuneInString(name)
	return string(first) + "***" + ext
}
