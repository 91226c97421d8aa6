package report

import (
	"slices"
	"time"

	"qingdang/models/id"
)

// Kind is what a report is about.
type Kind string

// The kinds. An operations report has a Body, all others a Statement.
const (
	Operations Kind = "operations"
	BinCheck   Kind = "bin"
	Privacy    Kind = "privacy"
	Register   Kind = "purges"
	Retention  Kind = "retention"
	Access     Kind = "access"
	Storage    Kind = "storage"
)

// Kinds are all kinds in the order of the menu.
func Kinds() []Kind {
	return []Kind{Operations, BinCheck, Privacy, Register, Retention, Access, Storage}
}

// Known tells whether there is such a kind.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// Ask says which report is wanted. Department 0 is the whole organisation, any other one counts with
// everything below it.
type Ask struct {
	Kind       Kind
	Period     Period
	Department id.Department
}

// BodyUnder is the department that a report is narrowed to, with everything below it.
type BodyUnder struct {
	ID   string `json:"id"`
	Path string `json:"path"`
}

// Statement is what a report other than the operations report says, version 1: figures, tables and how
// they agree with the audit log. Every number has its definition beside it: the very query that
// counted it. It holds numbers, names, codes and paths, never a word of a conversation.
type Statement struct {
	Kind           Kind          `json:"kind"`
	Code           string        `json:"code"`
	CreatedAt      time.Time     `json:"created_at"`
	CreatedBy      BodyPerson    `json:"created_by"`
	Organisation   string        `json:"organisation"`
	Period         BodyPeriod    `json:"period"`
	Department     *BodyUnder    `json:"department,omitempty"`
	Log            BodyLog       `json:"log"`
	Figures        []Figure      `json:"figures"`
	Tables         []Grid        `json:"tables"`
	Reconciliation []BodyCompare `json:"reconciliation"`
	Reconciled     bool          `json:"reconciled"`
	Notes          []string      `json:"notes"`
}

// Figure is one number. Key names it in the catalogue, Unit says what is counted.
type Figure struct {
	Key        string `json:"key"`
	Unit       string `json:"unit"`
	Value      int64  `json:"value"`
	Definition string `json:"definition"`
}

// The units of numbers and of texts, by which a page knows how to write them.
const (
	UnitCount = "count"
	UnitBytes = "bytes"

	UnitPlain      = "plain" // also codes
	UnitDepartment = "department"
	UnitClass      = "class"
	UnitRole       = "role"
	UnitMonth      = "month"
	UnitTime       = "time"
	UnitAction     = "action"
	UnitVotes      = "votes"
	UnitPurge      = "purge_state"
	UnitBatch      = "batch_state"
	UnitInspection = "inspection_state"
	UnitAccess     = "access_state"
	UnitFloor      = "floor" // days, or "forever"
	UnitMonths     = "months_on"
	UnitTable      = "table"
)

// Column is the head of a column of a table; columns of texts have no definition.
type Column struct {
	Key        string `json:"key"`
	Unit       string `json:"unit"`
	Definition string `json:"definition,omitempty"`
}

// Grid is a table: texts, then numbers. Of is how many rows there are, if not all are shown.
type Grid struct {
	Key     string    `json:"key"`
	Texts   []Column  `json:"texts"`
	Numbers []Column  `json:"numbers"`
	Rows    []GridRow `json:"rows"`
	Of      int64     `json:"of"`
}

// GridRow is one row, a cell for each column.
type GridRow struct {
	Texts   []string `json:"texts"`
	Numbers []int64  `json:"numbers"`
}
