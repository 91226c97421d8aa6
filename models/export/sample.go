package export

import (
	"qingdang/models/conversation"
	"qingdang/models/export/file"
)

// Sample gives messages as a mask lets them be seen, for the form that offers the masks.
func (m Mask) Sample(said []conversation.Message) []file.Message {
	out := make([]file.Message, 0, len(said))
	for i := range said {
		out = append(out, m.message(&said[i]))
	}
	return out
}
