package audit

import (
	"bytes"
	"database/sql"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"gorm.io/gorm"

	"qingdang/models/db"
	"qingdang/models/id"
)

// headRow is the one row that every append locks. Edge lets it append without
// reading old nodes.
type headRow struct {
	ID     int64 `gorm:"primaryKey;autoIncrement:false"`
	Size   int64
	Root   []byte
	Edge   []byte
	LastAt *time.Time
}

// TableName is part of GORM.
func (headRow) TableName() string { return "audit_head" }

// leafRow is a leaf with the columns by which it is found. The columns repeat
// what the leaf says; Check compares them.
type leafRow struct {
	N            int64 `gorm:"primaryKey;autoIncrement:false"`
	At           time.Time
	ActorID      id.User
	PersonID     id.Person
	ActorName    string
	ActorRole    string
	Action       string
	ObjectKind   string
	Object       string
	DepartmentID id.Department
	Result       string
	Source       string
	RequestID    string
	ItemCount    int64
	Leaf         []byte
	Hash         []byte
}

// TableName is part of GORM.
func (leafRow) TableName() string { return "audit_leaf" }

// leafRows gives the leaves that a query chooses, past the reflection of GORM: pages ask for dozens.
func leafRows(q *gorm.DB) (rows []leafRow, err error) {
	q = q.Model(&leafRow{}).Select("n, at, actor_id, person_id, actor_name, actor_role, action, object_kind, object, department_id, result, source, request_id, item_count, leaf, hash")
	err = db.EachRow(q, func(r *sql.Rows) error {
		var l leafRow
		err := r.Scan(db.Number(&l.N), &l.At, db.Number(&l.ActorID), db.Number(&l.PersonID), &l.ActorName, &l.ActorRole, &l.Action, &l.ObjectKind, &l.Object,
			db.Number(&l.DepartmentID), &l.Result, &l.Source, &l.RequestID, db.Number(&l.ItemCount), &l.Leaf, &l.Hash)
		rows = append(rows, l)
		return err
	})
	return rows, err
}

// nodeRow is one node of the tree, numbered as tlog.StoredHashIndex does.
type nodeRow struct {
	Idx  int64 `gorm:"primaryKey;autoIncrement:false"`
	Hash []byte
}

// TableName is part of GORM.
func (nodeRow) TableName() string { return "audit_node" }

// checkpointRow is a signed checkpoint. It is a convenience for pages; evidence
// is the copy outside the database.
type checkpointRow struct {
	Size      int64 `gorm:"primaryKey;autoIncrement:false"`
	Root      []byte
	Note      string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

// TableName is part of GORM.
func (checkpointRow) TableName() string { return "audit_checkpoint" }

// newRow lays a leaf out in columns.
func newRow(n int64, at time.Time, e Entry, leaf []byte) leafRow {
	hash := tlog.RecordHash(leaf)
	return leafRow{
		N: n, At: at, ActorID: e.Actor.ID, PersonID: e.Actor.PersonID, ActorName: e.Actor.Name, ActorRole: e.Actor.Role,
		Action: e.Action, ObjectKind: e.ObjectKind, Object: e.Object, DepartmentID: e.Department, Result: e.Result,
		Source: e.Actor.Source, RequestID: e.Actor.RequestID, ItemCount: e.Count, Leaf: leaf, Hash: hash[:],
	}
}

// same tells whether two rows of one leaf agree in every column.
func (r leafRow) same(o leafRow) bool {
	texts := r.ActorName == o.ActorName && r.ActorRole == o.ActorRole && r.Action == o.Action && r.ObjectKind == o.ObjectKind &&
		r.Object == o.Object && r.Result == o.Result && r.Source == o.Source && r.RequestID == o.RequestID
	numbers := r.N == o.N && r.ActorID == o.ActorID && r.PersonID == o.PersonID && r.DepartmentID == o.DepartmentID && r.ItemCount == o.ItemCount
	return texts && numbers && r.At.Equal(o.At) && bytes.Equal(r.Leaf, o.Leaf) && bytes.Equal(r.Hash, o.Hash)
}

// agrees tells whether the columns say what the leaf says.
func (r leafRow) agrees(c content) bool {
	return c.n >= 0 && r.same(newRow(c.n, c.at, c.entry, r.Leaf))
}

// leaf reads the entry from the bytes, or from the columns if those are damaged.
func (r leafRow) leaf() Leaf {
	l := Leaf{N: r.N, At: r.At.UTC(), Bytes: r.Leaf}
	if len(r.Hash) == tlog.HashSize {
		l.Hash = tlog.Hash(r.Hash)
	}
	if c := parse(r.Leaf); r.agrees(c) {
		l.At, l.Entry = c.at, c.entry
		return l
	}
	l.Damaged = true
	l.Entry = Entry{
		Actor:  Actor{ID: r.ActorID, PersonID: r.PersonID, Name: r.ActorName, Role: r.ActorRole, Source: r.Source, RequestID: r.RequestID},
		Action: r.Action, ObjectKind: r.ObjectKind, Object: r.Object, Department: r.DepartmentID, Result: r.Result, Count: r.ItemCount,
	}
	return l
}
