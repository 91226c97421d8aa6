package bin_test

import (
	"crypto/sha256"
	"fmt"
	"time"

	"qingdang/models/bin"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// chat is one conversation to be stored; zero fields are the usual ones.
type chat struct {
	name    string
	dep     id.Department // 杭州
	class   string        // 咨询
	agent   string
	at      time.Time // old
	order   conversation.OrderState
	hidden  bool
	replies int // further messages
	tags    []string
}

func (w *world) news(c chat) conversation.New {
	if c.dep == 0 {
		c.dep = w.city
	}
	if c.class == "" {
		c.class = "咨询"
	}
	if c.at.IsZero() {
		c.at = old
	}
	if c.name == "" {
		w.chats++
		c.name = fmt.Sprint("c", w.chats)
	}
	said := []conversation.Message{{ID: "0", Sender: conversation.FromCustomer, At: conversation.MicrosOf(c.at), Kind: "text", Text: "你好，" + c.name}}
	for i := range c.replies {
		said = append(said, conversation.Message{ID: fmt.Sprint(i + 1), Sender: conversation.FromCustomer, At: conversation.MicrosOf(c.at), Kind: "text", Text: "还在吗"})
	}
	return conversation.New{
		Platform: "qianniu", DepartmentID: c.dep, ServiceType: c.class, OrderState: c.order,
		AgentID: c.agent, AgentName: "客服", Tags: c.tags,
		Document: conversation.Document{ExternalID: c.name, CustomerID: "tb_" + c.name, Messages: said},
	}
}

// store imports conversations as the importer does: under the hold epoch.
func (w *world) store(chats ...chat) []id.Conversation {
	w.t.Helper()
	news := make([]conversation.New, len(chats))
	for i, c := range chats {
		news[i] = w.news(c)
	}
	ids := w.storeNews(news...)
	for i, c := range chats {
		if c.hidden {
			dbtest.Exec(w.t, w.d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Hidden, ids[i])
		}
	}
	return ids
}

func (w *world) storeNews(news ...conversation.New) []id.Conversation {
	w.t.Helper()
	var ids []id.Conversation
	w.write(func(tx *db.Tx) error {
		ids = nil
		if err := hold.ShareEpoch(tx); err != nil {
			return err
		}
		out, err := conversation.Store(tx, w.vault, news)
		if err != nil {
			return err
		}
		for _, o := range out {
			ids = append(ids, o.ID)
		}
		_, err = hold.OnStore(tx, w.vault.Store, ids, bin.Rescue)
		return err
	})
	return ids
}

// plainRow is the row of a conversation without its body, where thousands are needed.
func plainRow(d id.Department, i int) conversation.Conversation {
	mac := sha256.Sum256(fmt.Append(nil, i))
	return conversation.Conversation{
		ID: id.Conversation(i + 1), Platform: "qianniu", ExternalMAC: mac[:], DepartmentID: d, ServiceType: "咨询", State: conversation.Active,
		StartedAt: old, LastAt: old, Messages: 1, Bytes: 1, Version: 1, ContentMAC: mac[:], CreatedAt: old,
	}
}

// some stores n usual conversations.
func (w *world) some(n int) []id.Conversation {
	w.t.Helper()
	return w.store(make([]chat, n)...)
}
