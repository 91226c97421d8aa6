package conversation

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/words"
)

// Bounds of what people tag. Imports may bring more.
const (
	LongestTag   = 30     // characters
	MostTags     = 20     // of one conversation
	MostNamed    = 10     // added, and as many taken away, in one act
	MostTagged   = 10_000 // conversations in one act
	mostInUse    = 1000   // different tags, before people may add more of them
	tagSigns     = "-_.·/+#&%()（）"
	longestTyped = 64 // that an import may have brought
)

// TagEdit says which tags conversations get and which they lose. Lists are names.
type TagEdit struct{ Add, Remove []string }

// check refuses, as invalid on the fields add and remove, what is no edit whatever is stored.
func (e TagEdit) check() error {
	var bad []*fault.Fault
	for field, names := range map[string][]string{"add": e.Add, "remove": e.Remove} {
		if len(names) > MostNamed {
			bad = append(bad, fault.Invalid("conversation.tags_at_once", MostNamed).On(field))
		}
		if slices.ContainsFunc(names, func(n string) bool { return utf8.RuneCountInString(n) > longestTyped || !utf8.ValidString(n) }) {
			bad = append(bad, fault.Invalid("conversation.tag_long", LongestTag).On(field))
		}
	}
	if len(e.Add)+len(e.Remove) == 0 {
		bad = append(bad, fault.Invalid("conversation.tag_needed").On("add"))
	}
	return fault.All(bad...)
}

// typed gives the edit without blanks around the names.
func (e TagEdit) typed() TagEdit {
	return TagEdit{Add: thinned(e.Add, strings.TrimSpace), Remove: thinned(e.Remove, strings.TrimSpace)}
}

func thinned(names []string, change func(string) string) []string {
	var out []string
	for _, n := range names {
		if n = change(n); n != "" {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// spelled is the one spelling of a name that people make.
func spelled(name string) string { return norm.NFC.String(strings.Join(strings.Fields(name), " ")) }

// resolve gives the edit with names that there are, as they are spelt, and new ones as people may make
// them. What is there may have come with an import and need not be a name that people may make. The faults
// are invalid, on the field add.
func (e TagEdit) resolve(tx *db.Tx) (TagEdit, error) {
	known, err := tagsNamed(tx, slices.Concat(e.Add, e.Remove))
	if err != nil {
		return e, err
	}
	spell := func(name string) string {
		if slices.ContainsFunc(known, func(t Tag) bool { return t.Name == name }) {
			return name
		}
		return spelled(name)
	}
	out := TagEdit{Add: thinned(e.Add, spell), Remove: thinned(e.Remove, spell)}
	var bad []*fault.Fault
	for _, n := range out.Add {
		if !slices.ContainsFunc(known, func(t Tag) bool { return t.Name == n }) {
			if f := checkTag(n); f != nil {
				bad = append(bad, f.On("add"))
			}
		}
	}
	if slices.ContainsFunc(out.Add, func(n string) bool { return slices.Contains(out.Remove, n) }) {
		bad = append(bad, fault.Invalid("conversation.tag_both").On("add"))
	}
	return out, fault.All(bad...)
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
