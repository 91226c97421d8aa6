// Package fault owns the refusals a person can act on. Everything else that
// goes wrong is an ordinary error and ends as one calm page with a request id.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind tells how a caller answers a fault.
type Kind int

// The kinds of faults. None means that there is no error at all, Internal any
// error that is not a Fault.
const (
	None Kind = iota
	KindInvalid
	KindForbidden
	KindNotFound
	KindConflict
	KindGone
	KindBusy
	KindInternal
)

// Fault is a refusal with the catalogue key of its sentence. Field names the
// form field it belongs to, Also holds further faults of the same form.
type Fault struct {
	Kind  Kind
	Key   string
	Args  []any
	Field string
	Also  []*Fault
}

// Error gives the key and its arguments, for logs; people read the catalogue's
// sentence.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Key)
	for _, a := range f.Args {
		fmt.Fprintf(&b, " %v", a)
	}
	return b.String()
}

// On says which form field the fault belongs to.
func (f *Fault) On(field string) *Fault {
	f.Field = field
	return f
}

// Invalid says that what was asked cannot be done as it stands.
func Invalid(key string, args ...any) *Fault { return &Fault{Kind: KindInvalid, Key: key, Args: args} }

// Forbidden says that this person may not.
func Forbidden(key string, args ...any) *Fault {
	return &Fault{Kind: KindForbidden, Key: key, Args: args}
}

// NotFound says that there is no such thing, or none this person may know of.
func NotFound(key string, args ...any) *Fault {
	return &Fault{Kind: KindNotFound, Key: key, Args: args}
}

// Conflict says that the world changed since the person looked.
func Conflict(key string, args ...any) *Fault {
	return &Fault{Kind: KindConflict, Key: key, Args: args}
}

// Gone says that the thing existed and was destroyed.
func Gone(key string, args ...any) *Fault { return &Fault{Kind: KindGone, Key: key, Args: args} }

// Busy says that it may be tried again later.
func Busy(key string, args ...any) *Fault { return &Fault{Kind: KindBusy, Key: key, Args: args} }

// All joins the faults of one form into one, nil if there are none.
func All(faults ...*Fault) error {
	var first *Fault
	for _, f := range faults {
		switch {
		case f == nil:
		case first == nil:
			joined := *f
			first = &joined
		default:
			first.Also = append(first.Also, f)
		}
	}
	if first == nil {
		return nil
	}
	return first
}

// Of finds the fault in err's chain.
func Of(err error) (*Fault, bool) {
	var f *Fault
	if errors.As(err, &f) {
		return f, true
	}
	return nil, false
}

// KindOf gives the kind of the fault in err's chain, None for nil and
// KindInternal for any other error.
func KindOf(err error) Kind {
	if err == nil {
		return None
	}
	if f, ok := Of(err); ok {
		return f.Kind
	}
	return KindInternal
}

// List gives the fault and those joined to it.
func (f *Fault) List() []*Fault { return append([]*Fault{f}, f.Also...) }
