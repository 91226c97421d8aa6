package intake

import (
	"encoding/json"
	"errors"

	"qingdang/models/intake/format"
)

// finish puts what was refused or destroyed before into the counts of the reader.
func (r *run) finish(read format.Report) {
	rep := r.report
	rep.Report = read
	if read.FileError != nil {
		return
	}
	for _, n := range []count{r.refused, r.purged} {
		rep.Conversations -= n.conversations
		rep.Messages -= n.messages
		rep.Recalled -= n.recalled
		rep.Rejects = append(rep.Rejects, n.rejects...)
		rep.RejectsMore += n.rejectsMore
	}
	// In the neutral form the record that is refused is the line, elsewhere each message.
	if read.Format == format.Neutral {
		rep.Rejected += r.refused.conversations
	} else {
		rep.Rejected += r.refused.messages
	}
	rep.Duplicates += r.purged.messages
	rep.PurgedBefore = int64(r.purged.conversations)
}

// JSON gives the one object that `qingdang import --json` prints for a file.
func (r *Report) JSON(file string) ([]byte, error) {
	type reject struct {
		Line   int    `json:"line,omitempty"`
		Sheet  string `json:"sheet,omitempty"`
		Row    int    `json:"row,omitempty"`
		Item   int    `json:"message,omitempty"`
		Reason string `json:"reason"`
	}
	out := struct {
		File               string   `json:"file"`
		Format             string   `json:"format,omitempty"`
		Conversations      int      `json:"conversations"`
		Messages           int      `json:"messages"`
		Duplicates         int      `json:"duplicates"`
		Events             int      `json:"events"`
		Rejected           int      `json:"rejected"`
		Recalled           int      `json:"recalled"`
		FileError          bool     `json:"file_error"`
		FileErrorReason    string   `json:"file_error_reason,omitempty"`
		AddedConversations int64    `json:"added_conversations"`
		AddedMessages      int64    `json:"added_messages"`
		PurgedBefore       int64    `json:"purged_before"`
		Rejects            []reject `json:"rejects"`
		RejectsMore        int      `json:"rejects_more,omitempty"`
	}{
		File: file, Format: r.Format, Conversations: r.Conversations, Messages: r.Messages, Duplicates: r.Duplicates, Events: r.Events,
		Rejected: r.Rejected, Recalled: r.Recalled, FileError: r.FileError != nil,
		AddedConversations: r.AddedConversations, AddedMessages: r.AddedMessages, PurgedBefore: r.PurgedBefore,
		Rejects: []reject{}, RejectsMore: r.RejectsMore,
	}
	if r.FileError != nil {
		out.FileErrorReason = r.FileError.Key
	}
	for _, x := range r.Rejects {
		out.Rejects = append(out.Rejects, reject{x.Line, x.Sheet, x.Row, x.Item, x.Reason})
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, errors.New("encode report")
	}
	return b, nil
}
