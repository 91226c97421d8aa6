package templates

import "time"

// BatchScopeView is the first step of the wizard: conditions, departments, and what would be
// left behind.
type BatchScopeView struct {
	Draft    uint64 // 0: not saved yet
	Form     BatchConditions
	Types    []string // that occur
	Sources  []string // platforms that occur
	Tree     []BatchDepartment
	Seen     string // digest of the tree as it is drawn
	Panel    BatchPanel
	Problems Problems
}

// BatchConditions are the fields of the first step, as they were typed.
type BatchConditions struct {
	From, To    string
	Types       []string
	Platforms   []string
	Tags        string
	WithoutTags string
	Agents      string
	Traits
	Sub           bool
	Keep          bool
	ResidueReason string

	// Picked is how many were chosen of a search, 0 for a scope by conditions; the fields above then tell of
	// that search, and Words and Customer of what is not kept.
	Picked   int64
	Except   int
	All      bool
	Words    int
	Customer bool
}

// BatchDepartment is a department of the tree; counts are those of its whole subtree.
type BatchDepartment struct {
	ID       uint64
	Name     string
	All      int64
	Matching int64
	Foreign  bool // outside the person's scope, shown for what is below
	Unknown  bool // the conditions cannot be counted
	Checked  bool
	Mixed    bool
	Open     bool
	Current  bool
	Children []BatchDepartment
}

// BatchPanel is what a scope takes and what it leaves behind. Without CountedAt nothing could
// be counted, and Problem says why if it is not just that no department is chosen yet.
type BatchPanel struct {
	CountedAt   time.Time
	Problem     Words
	Name        string // of what is taken
	Departments int    // how many that are
	Taken       int64
	Residue     int64
	Left        []BatchResidue
	Outside     int
}

// Counted tells whether there are numbers.
func (p BatchPanel) Counted() bool { return !p.CountedAt.IsZero() }

// BatchResidue is a sub-department with everything below it that keeps matching conversations.
type BatchResidue struct {
	ID    uint64
	Name  string
	Count int64
}

// BatchExcluded counts what is protected, each conversation once.
type BatchExcluded struct{ Held, Floor, Order int64 }

// Total is the sum.
func (e BatchExcluded) Total() int64 { return e.Held + e.Floor + e.Order }

// BatchImpactView is the second step: what would happen.
type BatchImpactView struct {
	Draft         uint64
	CountedAt     time.Time
	KeepUntil     time.Time
	Matching      int64
	Missing       int64           // of what was chosen: not there any more
	Conditions    BatchConditions // of what was chosen
	Residue       int64
	Excluded      BatchExcluded
	Holds         []string // codes
	Moves         int64
	Cap           int64
	Bytes         int64
	NeverKeep     int64 // of those that move, with what no backup may keep
	Unlooked      int64 // of those that move, into which nobody has looked yet
	Shares        []BatchShare
	Left          []BatchResidue
	ResidueReason string
	Outside       int
	Sample        []BatchSample
	NextDraw      uint64
	Since         *BatchSince // nil: not counted before
	Problems      Problems
}

// BatchShare is what one department has of it.
type BatchShare struct {
	Name, Path string
	Matching   int64
	Excluded   int64
	Moves      int64
	Bytes      int64
}

// BatchSample is a conversation that would move.
type BatchSample struct {
	ID         uint64
	Code       string
	Department string
	Type       string
	LastAt     time.Time
}

// BatchSince is how the numbers changed since they were shown before.
type BatchSince struct {
	At                                    time.Time
	Matching, Residue, Held, Floor, Order int64
}

// BatchConfirmView is the third step: checks, reason and the last question.
type BatchConfirmView struct {
	Draft         uint64
	Frozen        int64
	FrozenAt      time.Time
	Fingerprint   string // hexadecimal
	KeepUntil     time.Time
	Bytes         int64
	CheckedAt     time.Time
	Now           int64 // what would move now, to compare with Frozen
	Excluded      BatchExcluded
	Name          string
	Departments   int
	Outside       int
	Missing       int64
	Conditions    BatchConditions
	Residue       int64
	ResidueReason string
	Working       bool      // within office hours
	SeasonAt      time.Time // the account may delete batches from then on
	Notified      bool
	Partners      bool
	Complaints    bool
	Reason        string
	Typed         string
	MustType      bool
	Cap           int64        // of one batch; 0 while the list is far below it
	Raised        *BatchRaised // nil: nobody did, or nobody had to
	RequestKey    string
	CanBackUp     bool
	Problems      Problems
}

// OverCap tells whether the list waits for somebody who raises the cap.
func (v BatchConfirmView) OverCap() bool {
	return v.Cap > 0 && v.Frozen > v.Cap && (v.Raised == nil || v.Frozen > v.Raised.To)
}

// BatchChangedView is the answer to a list that is not what was shown any more. Without
// numbers (Was 0) it says only that.
type BatchChangedView struct {
	Draft    uint64
	Text     Words
	Was, Now int64
	Entered  int64
	Left     []BatchReason
	Rows     []BatchDifference
	FrozenAt time.Time
}

// BatchReason is how many stay where they are, and why.
type BatchReason struct {
	Code  string
	Count int64
}

// BatchDifference is a conversation that entered or left the list.
type BatchDifference struct {
	ID      uint64
	Code    string
	Gone    bool
	Entered bool
	Reason  string
}
