package templates

import "time"

// BatchView is the page of one batch: what was done and what became of it.
type BatchView struct {
	Reach         ReachView
	ID            uint64
	Code          string
	Single        bool // nobody went through the steps of a bulk delete
	Asked         bool // a customer asked for it: the reason is the code of that request
	State         BatchStateView
	Path          string // of its department
	Sub           bool
	Conditions    BatchConditions
	Owner         string
	CreatedAt     time.Time
	Reason        string
	Fingerprint   string
	Raised        *BatchRaised // who let it go above the cap
	KeepUntil     time.Time
	ExtendedAt    time.Time
	Expired       bool
	Now           time.Time
	Bytes         int64
	Resting       int64
	OnList        int64
	Restored      int64
	Rescued       int64
	Purged        int64
	Excluded      BatchExcluded
	Residue       int64
	Left          []BatchResidue
	ResidueReason string
	CanExport     bool
	CanUndo       bool
	UndoWhy       string // key: why somebody who may undo cannot undo this one
	CanRestore    bool
	CanExtend     bool
	CanPurge      bool
	Items         BinItems
}

// BatchStateView is the block of a batch that changes while it runs.
type BatchStateView struct {
	ID       uint64
	State    string
	Size     int64
	Moved    int64
	Stayed   []BatchReason
	Skipped  int64
	Retries  bool // an attempt failed, another one follows
	Failed   bool // the job has given up
	CanRetry bool
	At       time.Time
}

// BatchListView is the page of all batches, with the person's drafts above.
type BatchListView struct {
	Query     BinQuery
	Rows      []BinBatch
	Total     int64
	Drafts    []BatchDraftRow
	CanCreate bool
	Now       time.Time
}

// BatchDraftRow is a draft in the list.
type BatchDraftRow struct {
	ID         uint64
	Name       string
	More       int // further departments
	Sub        bool
	Conditions BatchConditions
	Frozen     int64 // 0: no list is frozen
	ChangedAt  time.Time
	Step       string
}

// BinView is the recycle bin.
type BinView struct {
	Query       BinQuery
	Figures     BinFigures
	Departments []BinDepartment
	Batches     []BinBatch
	Items       BinItems
	Total       int64
	Now         time.Time
	CanRestore  bool
	CanExtend   bool
	CanPurge    bool
	CanOpen     bool // batches have pages for this person
	CanAnswer   bool // may write answer letters
	Own         bool // sees only the own conversations
}

// BinFigures is the strip of numbers.
type BinFigures struct {
	Restorable, RestorableBatches, RestorableBytes int64
	Soon, SoonBatches                              int64
	Expired, ExpiredBatches                        int64
	Frozen, FrozenBatches                          int64
}

// BinDepartment is a choice of the filter.
type BinDepartment struct {
	ID    uint64
	Name  string
	Depth int
}

// BinBatch is a batch in a list.
type BinBatch struct {
	ID         uint64
	Code       string
	State      string
	Path       string
	Sub        bool
	Single     bool
	Count      int64 // that rest in the bin
	Size       int64
	Bytes      int64
	OnList     int64
	Restored   int64
	Rescued    int64
	Purged     int64
	Residue    int64
	Owner      string
	CreatedAt  time.Time
	KeepUntil  time.Time
	Expired    bool
	Extended   bool
	CanRestore bool
	WhyNot     string // key of why it cannot be restored, for those who may restore otherwise
	CanChoose  bool
}

// BinItems is a page of conversations.
type BinItems struct {
	Rows       []BinItem
	State      string
	Total      int64
	Page, Size int
	Now        time.Time
	Letters    bool // the person may write answer letters
}

// BinItem is one conversation of the bin, or of a batch with what became of it.
type BinItem struct {
	ID         uint64
	Code       string
	Gone       bool // it was destroyed
	Closed     bool // it is under seal, and the reader may not open it
	Letter     bool // a customer who asks about it can be answered
	Path       string
	Type       string
	Agent      string
	LastAt     time.Time
	State      string
	Reason     string
	BatchID    uint64
	Batch      string
	Owner      string
	ChangedAt  time.Time
	KeepUntil  time.Time
	Expired    bool
	CanRestore bool
}

// BinExtendView asks for the reason of more time.
type BinExtendView struct {
	Batches  []BinExtendRow
	Reason   string
	Days     int
	Problems Problems
}

// BinExtendRow is one of the batches, with its present end and the new one.
type BinExtendRow struct {
	ID     uint64
	Code   string
	Path   string
	Count  int64
	Until  time.Time
	Then   time.Time
	WhyNot string // key of why it cannot be extended
}
