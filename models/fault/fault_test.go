package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestKindOf(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want Kind
	}{
		{"no error is none", nil, None},
		{"a wrapped fault keeps its kind", fmt.Errorf("discard: %w", Conflict("bin.changed", 3, 4)), KindConflict},
		{"any other error is internal", errors.New("disk"), KindInternal},
		{"no faults joined are no error", All(nil, nil), None},
		{"joined faults have the first one's kind", All(nil, Invalid("a"), Invalid("b")), KindInvalid},
	}
	for _, tt := range tests {
		if got := KindOf(tt.err); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	f, _ := Of(All(Invalid("a").On("x"), Invalid("b").On("y")))
	if l := f.List(); len(l) != 2 || l[1].Field != "y" {
		t.Errorf("List() = %v", l)
	}
}
