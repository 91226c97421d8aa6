package purge

import (
	"bufio"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qingdang/models/id"
	"qingdang/models/seal"
)

// Ledger is the memory of purges outside the database: one file per purge, written before any
// of its slots' keys is destroyed and never changed. With it a database that was restored
// from a backup destroys again what was destroyed (invariant I15), and finds what is left of the buckets
// of the conversations that survived beside it. No file holds text.
type Ledger struct {
	Dir  string
	Keys *seal.Store
}

const (
	ledgerFormat = "qingdang/ledger/v2"
	ledgerBefore = "qingdang/ledger/v1" // names every survivor's key, in buckets without leaves
	ledgerSuffix = ".ledger"
	ledgerTemp   = ".new-"

	// The purposes of the codes over a file's head and over all of it.
	ledgerHeadMAC = "purge ledger head"
	ledgerMAC     = "purge ledger"

	longestLedgerLine = 64 << 10
)

// ErrLedgerDamaged says that a file of the ledger is not what was written.
var ErrLedgerDamaged = errors.New("purge: the file of the outside ledger is damaged, or of another key store")

// ErrLedgerOther says that the ledger has another purge under this code. Nothing is destroyed until
// somebody has looked.
var ErrLedgerOther = errors.New("purge: the outside ledger holds another purge under this code")

// LedgerHead is the first line of a file.
type LedgerHead struct {
	Format        string    `json:"format"`
	Store         string    `json:"store"`
	Purge         id.Purge  `json:"purge,string"`
	Code          string    `json:"code"`
	Root          string    `json:"root"`
	Requester     id.User   `json:"requester,string"`
	RequesterName string    `json:"requester_name"`
	RequestedAt   time.Time `json:"requested_at"`
	StartedAt     time.Time `json:"started_at"`
	WrittenAt     time.Time `json:"written_at"`
	Size          int64     `json:"size"`
	Purged        int64     `json:"purged"`
	Skipped       int64     `json:"skipped"`
	MAC           string    `json:"mac"`
}

// ledgerLine is one of the lines that follow: a conversation that was destroyed or skipped, a slot of a bucket whose
// key is to be destroyed, a bucket of which something is left as it is now, or the data key of a survivor that had
// no leaf before. Exactly one of the first five is set.
type ledgerLine struct {
	Gone   id.Conversation `json:"gone,omitempty,string"`
	Left   id.Conversation `json:"left,omitempty,string"`
	Closed uint64          `json:"closed,omitempty,string"`
	Now    id.Bucket       `json:"now,omitempty,string"`
	Kept   id.Conversation `json:"kept,omitempty,string"`

	Platform   string        `json:"platform,omitempty"`
	External   []byte        `json:"external,omitempty"`
	Department id.Department `json:"department,omitempty,string"`
	Reason     Reason        `json:"reason,omitempty"`
	Version    uint32        `json:"version,omitempty"`
	Bucket     id.Bucket     `json:"bucket,omitempty,string"`
	Slot       uint64        `json:"slot,omitempty,string"`
	Tree       []byte        `json:"tree,omitempty"`
	Leaf       *int          `json:"leaf,omitempty"`
	Wrapped    []byte        `json:"wrapped,omitempty"`
}

// bucketOf is the bucket of a line about a slot or a key. Before there were leaves a bucket had one slot, of its number.
func (l *ledgerLine) bucketOf() id.Bucket {
	if l.Bucket == 0 {
		return id.Bucket(l.Closed)
	}
	return l.Bucket
}

// leafOf is the leaf of a line about a key.
func (l *ledgerLine) leafOf() int {
	if l.Leaf == nil {
		return -1
	}
	return *l.Leaf
}

type ledgerEnd struct {
	MAC string `json:"mac"`
}

func (l *Ledger) path(code string) string { return filepath.Join(l.Dir, code+ledgerSuffix) }

// Files lists the codes of the purges in the ledger.
func (l *Ledger) Files() ([]string, error) {
	entries, err := os.ReadDir(l.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the outside ledger: %w", err)
	}
	var codes []string
	for _, e := range entries {
		if code, ok := strings.CutSuffix(e.Name(), ledgerSuffix); ok && !strings.HasPrefix(code, ".") {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes, nil
}

// Head reads and checks the first line of a file only.
func (l *Ledger) Head(code string) (LedgerHead, error) {
	f, err := os.Open(l.path(code))
	if err != nil {
		return LedgerHead{}, fmt.Errorf("outside ledger: %w", err)
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, longestLedgerLine).ReadSlice('\n')
	if err != nil {
		return LedgerHead{}, fmt.Errorf("%s: %w", code, ErrLedgerDamaged)
	}
	return l.head(code, line)
}

func (l *Ledger) head(code string, line []byte) (LedgerHead, error) {
	var h LedgerHead
	if json.Unmarshal(line, &h) != nil || h.Format != ledgerFormat && h.Format != ledgerBefore || h.Code != code {
		return h, fmt.Errorf("%s: %w", code, ErrLedgerDamaged)
	}
	again, err := l.encodeHead(h)
	if err != nil || subtle.ConstantTimeCompare(again, line) != 1 {
		return h, fmt.Errorf("%s: %w", code, ErrLedgerDamaged)
	}
	return h, nil
}

// encodeHead writes the first line with its code.
func (l *Ledger) encodeHead(h LedgerHead) ([]byte, error) {
	h.MAC = ""
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode ledger: %w", err)
	}
	mac := l.Keys.MAC(ledgerHeadMAC, text)
	h.MAC = hex.EncodeToString(mac[:])
	text, err = json.Marshal(h)
	return append(text, '\n'), err
}
