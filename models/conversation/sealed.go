package conversation

import (
	"fmt"
	"slices"

	"qingdang/models/account"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
)

// Knows tells whether somebody may know that a conversation is there at all: what is sealed exists for legal alone.
// Departments are another matter.
func Knows(by account.Actor, s State) bool { return s != Sealed || by.May(account.ConversationSealed) }

// known leaves out of the states that were asked for what the searcher may not know of.
func (f Filter) known(by account.Actor) Filter {
	if f.hides = !by.May(account.ConversationSealed); !f.hides {
		return f
	}
	return f.without(func(s State) bool { return s == Sealed })
}

// without leaves states out of those that were asked for; where nothing else was asked for, it finds nothing.
func (f Filter) without(hidden func(State) bool) Filter {
	if len(f.States) == 0 {
		return f
	}
	f.States = slices.DeleteFunc(slices.Clone(f.States), hidden)
	if len(f.States) == 0 {
		f.Only = noConversation
	}
	return f
}

// UnderSeal is the condition on the conversation table that a row is sealed, or lies in the bin and was: out of it, it
// goes under seal again. What is to be destroyed for a customer is processed no more on its way.
const UnderSeal = "(conversation.state = 6 OR conversation.batch_id IS NOT NULL AND EXISTS (SELECT 1 FROM bin_item usi WHERE usi.batch_id = conversation.batch_id AND usi.conversation_id = conversation.id AND usi.was_state = 6))"

// readable refuses, as not there, what is under seal, but for legal.
func readable(tx *db.Tx, by account.Actor, row *Conversation) (bool, error) {
	switch {
	case by.May(account.ConversationSealed), row.State == Active, row.State == Hidden:
		return true, nil
	case row.State == Sealed:
		return false, nil
	}
	sealed, err := UnderSealOf(tx, []id.Conversation{row.ID})
	return len(sealed) == 0, err
}

// UnderSealOf gives those of the conversations that are under seal.
func UnderSealOf(tx *db.Tx, ids []id.Conversation) (sealed []id.Conversation, err error) {
	if err := tx.Model(&Conversation{}).Where("conversation.id IN ?", ids).Where(UnderSeal).Pluck("conversation.id", &sealed).Error; err != nil {
		return nil, fmt.Errorf("look for a seal: %w", err)
	}
	return sealed, nil
}

// dropSealed takes out of the parts what lies in the bin under seal: how many of it have a word must not be told.
func (l *look) dropSealed() error {
	if !l.filter.hides || !slices.ContainsFunc(l.parts, (*part).lyingInBin) {
		return nil
	}
	var ids []id.Conversation
	err := l.tx.Raw("SELECT i.conversation_id FROM subject_request r JOIN subject_item i ON i.request_id = r.id WHERE r.open_slot IS NOT NULL AND i.binned_at IS NOT NULL").Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("look for what is under seal: %w", err)
	}
	for _, c := range ids {
		for _, p := range l.parts {
			if ord, ok := p.Ordinal(c); ok {
				p.within.Remove(ord)
			}
		}
	}
	return nil
}

// lyingInBin tells whether something of the part is in the bin.
func (s *part) lyingInBin() bool {
	return slices.ContainsFunc([]State{Binned, Frozen, Purging}, func(state State) bool {
		return s.within.Intersects(s.Attr(index.State, stateValue(state)))
	})
}
