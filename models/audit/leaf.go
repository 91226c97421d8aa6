package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"qingdang/models/audit/proof"
	"qingdang/models/id"
)

// Widths of the columns, in characters. Longer texts are cut before they are
// hashed, so that leaf and column agree.
const (
	wordWidth   = 64
	nameWidth   = 100
	sourceWidth = 100
	objectWidth = 190
	leafLimit   = 256 << 10 // bytes
)

var (
	actionForm  = regexp.MustCompile(`^[a-z][a-z_]*\.[a-z][a-z_]*$`)
	errTooLarge = errors.New("audit: the entry is too large")
)

// Leaf is one entry in its place in the log. Bytes are what was hashed: the
// truth, from which everything else here was read. Damaged says that bytes,
// hash and columns do not agree; then the entry comes from the columns.
type Leaf struct {
	N  int64
	At time.Time
	Entry
	Bytes   []byte
	Hash    tlog.Hash
	Damaged bool
}

// normal gives the entry as it will be written and read again.
func (e Entry) normal() (Entry, error) {
	if !actionForm.MatchString(e.Action) || len(e.Action) > wordWidth {
		return e, fmt.Errorf("audit: %q is no action: noun.verb in the past tense is", e.Action)
	}
	switch e.Result {
	case "":
		e.Result = OK
	case OK, ResultRefused, ResultFailed:
	default:
		return e, fmt.Errorf("audit: %q is no result", e.Result)
	}
	e.ObjectKind, e.Object = clean(e.ObjectKind, wordWidth), clean(e.Object, objectWidth)
	a := &e.Actor
	a.Name, a.Role = clean(a.Name, nameWidth), clean(a.Role, wordWidth)
	a.Source, a.RequestID = clean(a.Source, sourceWidth), clean(a.RequestID, wordWidth)
	data, err := plain("data", e.Data)
	if err != nil {
		return e, err
	}
	e.Data, _ = data.(map[string]any) // a map stays a map
	return e, nil
}

// encode gives the canonical bytes of a normal entry.
func encode(n int64, at time.Time, e Entry) ([]byte, error) {
	data, err := proof.Canonical(map[string]any{
		"v":  int64(proof.LeafVersion),
		"n":  n,
		"at": at.UTC().Format(proof.TimeFormat),
		"actor": map[string]any{
			"id": id.String(e.Actor.ID), "person": id.String(e.Actor.PersonID), "name": e.Actor.Name,
			"role": e.Actor.Role, "source": e.Actor.Source, "request": e.Actor.RequestID,
		},
		"action": e.Action, "kind": e.ObjectKind, "object": e.Object, "department": id.String(e.Department),
		"result": e.Result, "count": e.Count, "data": e.Data,
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("audit: %w", err)
	case len(data) > leafLimit:
		return nil, errTooLarge
	}
	return data, nil
}

type leafJSON struct {
	N     int64  `json:"n"`
	At    string `json:"at"`
	Actor struct {
		ID      id.User   `json:"id,string"`
		Person  id.Person `json:"person,string"`
		Name    string    `json:"name"`
		Role    string    `json:"role"`
		Source  string    `json:"source"`
		Request string    `json:"request"`
	} `json:"actor"`
	Action     string         `json:"action"`
	Kind       string         `json:"kind"`
	Object     string         `json:"object"`
	Department id.Department  `json:"department,string"`
	Result     string         `json:"result"`
	Count      int64          `json:"count"`
	Data       map[string]any `json:"data"`
}

// content is what a leaf's bytes say. A leaf that cannot be read has n -1.
type content struct {
	n     int64
	at    time.Time
	entry Entry
}

// parse reads a leaf's bytes. Numbers in data come back as json.Number.
func parse(data []byte) content {
	var j leafJSON
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&j) != nil || j.N < 0 {
		return content{n: -1}
	}
	at, err := time.Parse(proof.TimeFormat, j.At)
	if err != nil {
		return content{n: -1}
	}
	return content{n: j.N, at: at, entry: Entry{
		Actor:  Actor{ID: j.Actor.ID, PersonID: j.Actor.Person, Name: j.Actor.Name, Role: j.Actor.Role, Source: j.Actor.Source, RequestID: j.Actor.Request},
		Action: j.Action, ObjectKind: j.Kind, Object: j.Object, Department: j.Department,
		Result: j.Result, Count: j.Count, Data: j.Data,
	}}
}
