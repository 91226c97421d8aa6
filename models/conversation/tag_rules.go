package conversation

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"qingdang/models/fault"
	"qingdang/models/words"
)

// Bounds of what people tag. Imports may bring more.
const (
	LongestTag  = 30     // characters
	MostTags    = 20     // of one conversation
	MostNamed   = 10     // added, and as many taken away, in one act
	MostTagged  = 10_000 // conversations in one act
	mostInUse   = 1000   // different tags, before people may add more of them
	tagSigns    = "-_.·/+#&%()（）"
	longestName = 64 // that an import may have brought
)

// TagEdit says which tags conversations get and which they lose. Lists are names.
type TagEdit struct{ Add, Remove []string }

// normal gives the edit with one spelling of each name, once. The faults are invalid, on the fields
// add and remove: a name that is no name, or looks like personal data, which must not stand in the clear.
func (e TagEdit) normal() (TagEdit, error) {
	out := TagEdit{Add: tagNames(e.Add), Remove: tagNames(e.Remove)}
	var bad []*fault.Fault
	for _, name := range out.Add {
		if f := checkTag(name); f != nil {
			bad = append(bad, f.On("add"))
		}
	}
	// What is there may have come with an import, and need not be a name that people may give.
	for _, name := range out.Remove {
		if utf8.RuneCountInString(name) > longestName || !utf8.ValidString(name) {
			bad = append(bad, fault.Invalid("conversation.tag_unknown").On("remove"))
		}
	}
	for field, names := range map[string][]string{"add": out.Add, "remove": out.Remove} {
		if len(names) > MostNamed {
			bad = append(bad, fault.Invalid("conversation.tags_at_once", MostNamed).On(field))
		}
	}
	switch {
	case len(out.Add)+len(out.Remove) == 0:
		bad = append(bad, fault.Invalid("conversation.tag_needed").On("add"))
	case slices.ContainsFunc(out.Add, func(n string) bool { return slices.Contains(out.Remove, n) }):
		bad = append(bad, fault.Invalid("conversation.tag_both").On("add"))
	}
	return out, fault.All(bad...)
}

func tagNames(names []string) []string {
	var out []string
	for _, n := range names {
		if n = norm.NFC.String(strings.Join(strings.Fields(n), " ")); n != "" {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func checkTag(name string) *fault.Fault {
	first, _ := utf8.DecodeRuneInString(name)
	switch {
	case utf8.RuneCountInString(name) > LongestTag:
		return fault.Invalid("conversation.tag_long", LongestTag)
	case !utf8.ValidString(name), strings.ContainsFunc(name, notOfTags), !unicode.IsLetter(first) && !unicode.IsDigit(first):
		return fault.Invalid("conversation.tag_signs", tagSigns)
	case words.LooksPersonal(name):
		return fault.Invalid("conversation.tag_personal")
	}
	return nil
}

// notOfTags: what divides lists and words of a search, and what cannot be seen, stands in no tag.
func notOfTags(r rune) bool {
	return r != ' ' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune(tagSigns, r)
}
