package subject

import (
	"strings"
	"time"
	"unicode/utf8"

	"qingdang/models/fault"
)

// Order is a customer's wish as legal types it in.
type Order struct {
	Key        string // of the form, so that sending it twice places one request; "" from programs
	Customer   string // id on the platforms, as typed; never stored in clear
	Reference  string // of the ticket or letter; may be empty
	Reason     string
	ReceivedAt time.Time // zero: now; not in the future
	// Shown is the count that the page showed (Preview.Total), for Place to compare; nil compares nothing.
	Shown *int64
	Code  string // the person's one-time code
}

// Bounds of an order.
const (
	leastReason      = 8
	mostReason       = 2000
	longestCustomer  = 200
	longestReference = 100
	mostKey          = 60
	oldestReceipt    = 366 * 24 * time.Hour
)

func (o Order) normal() Order {
	o.Customer, o.Reference, o.Reason = strings.TrimSpace(o.Customer), strings.TrimSpace(o.Reference), strings.TrimSpace(o.Reason)
	return o
}

// Check refuses an order that is not complete, as Place does, but for what only the database can tell and the code.
func (o Order) Check() error { return o.normal().check() }

// check refuses what cannot be a request whatever is stored. The order is normal.
func (o Order) check() error {
	var reference, key *fault.Fault
	if utf8.RuneCountInString(o.Reference) > longestReference || !utf8.ValidString(o.Reference) {
		reference = fault.Invalid("subject.reference_long", longestReference).On("reference")
	}
	if len(o.Key) > mostKey {
		key = fault.Invalid("subject.form_stale")
	}
	return fault.All(customerFault(o.Customer), reference, reasonFault(o.Reason), key)
}

func customerFault(customer string) *fault.Fault {
	if n := utf8.RuneCountInString(customer); n == 0 || n > longestCustomer || !utf8.ValidString(customer) {
		return fault.Invalid("subject.customer_needed", longestCustomer).On("customer")
	}
	return nil
}

func reasonFault(reason string) *fault.Fault {
	if n := utf8.RuneCountInString(reason); n < leastReason || n > mostReason || !utf8.ValidString(reason) {
		return fault.Invalid("subject.reason_needed", leastReason, mostReason).On("reason")
	}
	return nil
}

// received says when the request came in.
func (o *Order) received(now time.Time) (time.Time, error) {
	at := o.ReceivedAt.UTC()
	if o.ReceivedAt.IsZero() {
		at = now
	}
	if at.After(now) || at.Before(now.Add(-oldestReceipt)) {
		return at, fault.Invalid("subject.received_when").On("received")
	}
	return at, nil
}
