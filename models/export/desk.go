package export

import (
	"context"
	"io"
	"time"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/export/file"
	"qingdang/models/id"
)

// Desk is where exports are asked for, agreed to, followed, fetched and ended.
type Desk struct {
	DB       *db.DB
	Vault    conversation.Vault
	Accounts Accounts
	Dir      string         // the shelf: encrypted parts; QINGDANG_EXPORTS
	Zone     *time.Location // of the organisation
	// Organisation is its name, for the files.
	Organisation string
	Clock        *audit.ClockGuard
	// New begins a part; nil is file.New. Tests write simpler files.
	New func(file.Format, io.Writer, file.Options) (file.Writer, error)
	// PartSize is how many conversations a part holds; 0 is file.Limit of the format.
	PartSize int
}

// Accounts knows who people are now and checks one-time codes; *account.Accounts does.
type Accounts interface {
	Actor(ctx context.Context, who id.User, source string) (account.Actor, error)
	BeginCode(ctx context.Context, by account.Actor) error
	ConsumeTOTP(tx *db.Tx, who id.User, code string) (step int64, err error)
	NoteWrongCode(ctx context.Context, by account.Actor, object string, err error) error
}

// Selection says which conversations are meant.
type Selection struct {
	Kind Kind
	// Query is of OfQuery: what the search page searched for, its customer too. Its cursor and size
	// do not matter.
	Query         conversation.Query
	Conversations []id.Conversation // of OfConversations, at most MostChosen, and OfConversation
	// Search says that OfConversations are what a search found: by the conditions of Query, and by words.
	// Nil: they were chosen one by one.
	Search   *Search
	Hold     id.Hold  // of OfHold
	Customer string   // of OfCustomer: the customer's id on the platform; it is stored sealed
	Batch    id.Batch // of OfBatch: a batch that rests in the bin,
	Draft    uint64   // or the frozen list of one of the actor's drafts of the wizard
}

// Search is how a search chose conversations, for those who decide on them.
type Search struct {
	Words  string `json:"words,omitempty"`  // as they were typed; they may be personal, and are kept sealed
	Terms  int    `json:"terms,omitempty"`  // how many words there are
	Except int    `json:"except,omitempty"` // of what was found, taken out by hand
}

// Spread is what a selection held when it was asked for. It is under the root to which the second person
// agrees.
type Spread struct {
	First       time.Time     `json:"first"` // last message of the oldest conversation
	Last        time.Time     `json:"last"`  // and of the youngest
	Departments []Departments `json:"departments"`
	Types       []Types       `json:"types"`
}

// Departments is how many conversations are of one department.
type Departments struct {
	Department    id.Department `json:"department"`
	Conversations int64         `json:"conversations"`
}

// Types is how many conversations are of one service type.
type Types struct {
	Type          string `json:"type"`
	Conversations int64  `json:"conversations"`
}

// MostChosen is how many single conversations can be chosen.
const MostChosen = 5000

// Wish is what a person asks for.
type Wish struct {
	Selection Selection
	Format    file.Format
	Mask      Mask
	Purpose   string // 4 to 200 characters; it is printed on each page
	Days      int    // 1 to MostDays, unmasked to MostUnmasked; 0 is UsualDays
	Recipient string // somebody outside who gets it; empty: it stays inside
	Consent   string // with Recipient: how the customer's separate consent was given
	Key       string // the recipient's age public key; empty: a passphrase is made
	Zip       bool   // a ZIP archive with AES that ordinary tools open, instead of age; it takes a passphrase, never a key
	Lang      string // "zh-CN" or "en"
	Shown     *int64 // how many the page said; another number now is a conflict. Nil: not compared
	FormKey   string // one form asks once
	Again     string // the code of the export that this one repeats; see Desk.Again
}

// Preview is what an export would hold now.
type Preview struct {
	Now           time.Time
	Conversations int64
	Messages      int64
	Attachments   int64 // that messages name; the files themselves are not kept here
	Bytes         int64 // of text
	Sealed        int64 // of Conversations, those under seal; only legal takes any out
	Parts         int
	Needs         []Why // for which a second person must agree
	MostDays      int
	Approvers     []account.Standing // who could agree, when somebody must
}

// Ballot is the answer of the second person. SeenRoot is WishRoot as the page showed it.
type Ballot struct {
	Export   id.Export
	SeenRoot string
	Opinion  string
	Code     string // the person's one-time code
}

// Query is what a list shows. Empty fields do not narrow; Text is looked for in code, purpose and
// owner.
type Query struct {
	State  State
	Format file.Format
	Text   string
	Mine   bool // only the actor's own
	Before id.Export
	Size   int
}

// Row is one export of a list.
type Row struct {
	Export
	Done, Total int64 // conversations, while it is being made
	Ahead       int64 // exports before it in the queue
	MayApprove  bool  // the actor may answer now
}

// Page is a page of exports, newest first. OnShelf and Bytes are of all that the actor sees and that
// lies on the shelf.
type Page struct {
	Rows           []Row
	Total          int64
	More           bool
	OnShelf, Bytes int64
}

// Detail is an export with everything its page shows. The errors say why the reader may not do
// something now; nil means that they may.
type Detail struct {
	Export
	Now         time.Time
	Selection   Selection
	Spread      *Spread // nil of an export of an earlier version
	Recipient   string
	Consent     string
	Zip         bool // an archive that ordinary tools open, instead of age
	Shelf       []Part
	Reasons     map[Reason]int64 // of what was left out or is special
	Done, Total int64
	Ahead       int64
	Needs       []Why
	Votes       []Vote

	ApproveRefused, CancelRefused, RecallRefused, FetchRefused, AgainRefused error
}

// Vote is the answer of the second person as stored.
type Vote struct {
	Name, StaffNo string
	Approved      bool
	Opinion       string
	At            time.Time
}

// Grant lets one person fetch one export once, until Until. Passphrase is shown once and stored
// nowhere; it is empty where the recipient's key closes the file.
type Grant struct {
	Export     id.Export
	Code       string
	FileName   string
	Zip        bool
	Token      string
	Passphrase string
	Until      time.Time
}

// Checked is what is known of a file that somebody holds.
type Checked struct {
	Export
	Whole bool // it is the file that was given out; else one of its parts
	Part  int
}
