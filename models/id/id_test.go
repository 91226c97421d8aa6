package id

import (
	"errors"
	"testing"
)

func TestParseHasOneSpellingForOneID(t *testing.T) {
	for _, bad := range []string{"", "0", "-1", "+1", " 1", "1 ", "01", "1 OR 1=1", "[]", "9223372036854775808", "1e3", "１"} {
		if got, err := Parse[Conversation](bad); err == nil {
			t.Errorf("Parse(%q) = %d, want an error", bad, got)
		}
	}
	got, err := Parse[Conversation]("9223372036854775807")
	if err != nil || String(got) != "9223372036854775807" {
		t.Errorf("Parse(largest) = %d, %v", got, err)
	}
}

func TestSetCannotBeEmpty(t *testing.T) {
	if _, err := NewSet[Department](); !errors.Is(err, ErrEmptySet) {
		t.Errorf("NewSet() error = %v, want ErrEmptySet", err)
	}
	if _, err := NewSet[Department](3, 0); !errors.Is(err, ErrMalformed) {
		t.Errorf("NewSet(3, 0) error = %v, want ErrMalformed", err)
	}
	if _, err := ParseSet[Department]([]string{"3", "x"}); err == nil {
		t.Error("ParseSet with a malformed id gave a set")
	}
	var zero Set[Department]
	if v := zero.Values(); len(v) != 1 || v[0] != 0 || zero.Has(0) {
		t.Errorf("the zero set has values %v; it must match nothing", v)
	}
	s, err := NewSet[Department](9, 3, 9)
	if err != nil || s.Len() != 2 || !s.Has(3) || s.Has(4) {
		t.Errorf("NewSet(9, 3, 9) = %v, %v", s.Values(), err)
	}
}
