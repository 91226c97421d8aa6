package purge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
	"qingdang/models/index"
)

// Replay carries out again, in a database that was restored from a backup, every purge that the
// outside ledger knows and the database does not, finds the survivors' keys, and opens the
// database. It runs alone: nothing else opens the database meanwhile. It may be stopped
// anywhere and run again; each transaction leaves a state from which it goes on.
type Replay struct {
	DB     *db.DB
	Vault  conversation.Vault
	Log    *audit.Log
	Ledger *Ledger
	Zone   *time.Location
	Index  *index.Index // nil: no search index, as in tests that need none
	By     string       // the person who answers for it
	Reason string
	Chunk  int // conversations per transaction; 0 = as a purge
}

// ReplayReport is what a replay did.
type ReplayReport struct {
	Purges  int   // carried out again
	Gone    int64 // conversations on their lists
	Back    int64 // of these, how many the database had back
	Held    int64 // marks of legal holds on these
	Moved   int64 // survivors of whose buckets the ledger knew where they are now, or that it named by themselves
	Lost    []id.Conversation
	Strays  int   // keys of index segments that the database does not know
	Missing int64 // audit entries that were signed and are not here
	Aside   int   // checkpoints that the log does not continue any more
}

// The acts of a replay.
const (
	actReplayStarted = "log.replay_started"
	actRestored      = "log.restored"
)

// ErrIncomplete says that the database itself is not whole: the backup was cut off, or only a part of
// it was restored.
var ErrIncomplete = errors.New("purge: the database is incomplete: restore a whole backup first")

const shortReplayReason = 8

// Run replays. It gives nil when there is nothing to do. The fault is invalid without a name and a
// reason; ErrLedgerDamaged, ErrLedgerOther and ErrIncomplete say what has to be brought first.
func (p *Replay) Run(ctx context.Context) (*ReplayReport, error) {
	if len([]rune(p.By)) < 2 || len([]rune(p.Reason)) < shortReplayReason {
		return nil, fault.Invalid("ledger.by_and_reason", shortReplayReason)
	}
	s, err := Stand(ctx, p.DB, p.Log, p.Ledger)
	if err != nil || !s.Closed() {
		return nil, err
	}
	if err := p.ready(ctx, s); err != nil {
		return nil, err
	}
	if done, err := p.resumed(ctx, s); err != nil || done != nil {
		return done, err
	}
	restored, err := p.begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.reserve(ctx, s); err != nil {
		return nil, err
	}
	out := &ReplayReport{}
	unknown := s.Is(LedgerUnknown)
	tails := map[string]tail{}
	for _, e := range unknown {
		if tails[e.Code], err = p.eraseAgain(ctx, e.LedgerHead, out); err != nil {
			return nil, fmt.Errorf("purge %s: %w", e.Code, err)
		}
	}
	if err := p.putKeys(ctx, s, out); err != nil {
		return nil, err
	}
	for _, e := range unknown {
		if err := p.closeBuckets(ctx, e.LedgerHead, tails[e.Code].closing); err != nil {
			return nil, fmt.Errorf("purge %s: %w", e.Code, err)
		}
		if err := p.scrub(ctx, e.Code); err != nil {
			return nil, fmt.Errorf("purge %s: %w", e.Code, err)
		}
		if err := p.settle(ctx, e.LedgerHead, tails[e.Code].shares); err != nil {
			return nil, fmt.Errorf("purge %s: %w", e.Code, err)
		}
		out.Purges++
	}
	if err := p.lost(ctx, out); err != nil {
		return nil, err
	}
	if p.Index != nil { // what was indexed after the backup is known to nobody here, and to other copies
		if out.Strays, err = p.Index.Stray(ctx, 0); err != nil {
			return nil, err
		}
	}
	if err := p.DB.Flush(ctx); err != nil {
		return nil, err
	}
	return out, p.open(ctx, s, restored, out)
}

// scrub takes everything that the purge had erased out of the search index, whether or not it came back:
// a segment of the restored database may know its words.
func (p *Replay) scrub(ctx context.Context, code string) error {
	if p.Index == nil {
		return nil
	}
	var erased []id.Conversation
	_, err := p.Ledger.read(code, func(l ledgerLine) error {
		if l.Gone != 0 {
			erased = append(erased, l.Gone)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := p.Index.Scrub(ctx, erased, nil); err != nil {
		return fmt.Errorf("scrub the search index: %w", err)
	}
	return p.DB.Read(ctx, func(tx *db.Tx) error {
		n, err := p.Index.Holds(tx, erased)
		if err == nil && n > 0 {
			err = fmt.Errorf("the search index still holds %d", n)
		}
		return err
	})
}

// ready looks at everything that could make the replay end half way.
func (p *Replay) ready(ctx context.Context, s *Standing) error {
	for _, e := range s.Entries {
		switch e.State {
		case LedgerDamaged:
			return fmt.Errorf("%s: %w", e.Code, ErrLedgerDamaged)
		case LedgerClash:
			return fmt.Errorf("%s: %w", e.Code, ErrLedgerOther)
		case LedgerUnknown:
			if _, err := p.Ledger.Check(e.Code); err != nil {
				return err
			}
		}
	}
	return p.DB.Read(ctx, func(tx *db.Tx) error {
		torn, err := tally(tx, "SELECT (SELECT COUNT(*) FROM conversation c LEFT JOIN conversation_body b ON b.id = c.id LEFT JOIN conversation_key k ON k.id = c.id WHERE b.id IS NULL OR k.id IS NULL) "+
			"+ (SELECT COUNT(*) FROM conversation_key k LEFT JOIN key_bucket b ON b.id = k.bucket_id WHERE b.id IS NULL)")
		if err == nil && torn > 0 {
			err = fmt.Errorf("%w (%d conversations lack a part)", ErrIncomplete, torn)
		}
		return err
	})
}

func (p *Replay) actor() audit.Actor {
	return audit.Actor{Name: p.By, Role: "system", Source: "cli"}
}

// begin writes down that a replay begins, once, and gives how many entries the log had.
func (p *Replay) begin(ctx context.Context) (restored int64, err error) {
	err = p.DB.Write(ctx, func(tx *db.Tx) error {
		last, err := audit.LastOf(tx, actReplayStarted, actRestored)
		if err != nil {
			return err
		}
		if last != nil && last.Action == actReplayStarted {
			restored = last.N
			return nil
		}
		restored, err = audit.AppendAt(tx, audit.Entry{
			Actor: p.actor(), Action: actReplayStarted, ObjectKind: "audit", Data: map[string]any{"by": p.By, "reason": p.Reason},
		})
		return err
	})
	return restored, err
}

// open says in the log what is missing from it, and sets the checkpoints aside that know better. Only
// after that the next start finds nothing to object to.
func (p *Replay) open(ctx context.Context, s *Standing, restored int64, out *ReplayReport) error {
	var at time.Time
	err := p.DB.Write(ctx, func(tx *db.Tx) error {
		at = tx.Now
		data := map[string]any{
			"by": p.By, "reason": p.Reason, "restored_size": restored, "purges": out.Purges, "back": out.Back, "held": out.Held,
			"moved": out.Moved, "lost": len(out.Lost), "index_keys": out.Strays,
		}
		out.Missing = 0
		if s.Outside != nil {
			out.Missing = max(0, s.Outside.Size-restored)
			data["checkpoint_size"], data["checkpoint_root"] = s.Outside.Size, s.Outside.Root.String()
		}
		data["missing"] = out.Missing
		if err := p.skipCertificates(tx, s); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: p.actor(), Action: actRestored, ObjectKind: "audit", Count: out.Missing, Data: data})
	})
	if err != nil {
		return err
	}
	return p.aside(ctx, at, out)
}

func (p *Replay) aside(ctx context.Context, at time.Time, out *ReplayReport) (err error) {
	if out.Aside, err = p.Log.SetAside(ctx, "restored-"+at.UTC().Format("20060102T150405Z")); err != nil {
		return err
	}
	_, err = p.Log.Checkpoint(ctx)
	return err
}

// skipCertificates leaves out as many numbers of certificates as may have been issued by purges whose
// certificate is not here: no two may ever carry the same number.
func (p *Replay) skipCertificates(tx *db.Tx, s *Standing) error {
	var have []id.Purge
	if err := tx.Model(&Head{}).Pluck("purge_id", &have).Error; err != nil {
		return fmt.Errorf("read certificates: %w", err)
	}
	for _, e := range s.Entries {
		if slices.Contains(have, e.Purge) {
			continue
		}
		if _, err := db.Serial(tx, "CERT", e.WrittenAt.In(p.zone()).Format("2006")); err != nil {
			return err
		}
	}
	return nil
}

func (p *Replay) zone() *time.Location {
	if p.Zone == nil {
		return shanghai
	}
	return p.Zone
}

func (p *Replay) chunk() int {
	return (&Runner{DB: p.DB, Chunk: p.Chunk}).chunk()
}

// resumed ends a replay that was stopped after its last entry: only the checkpoints were not yet set
// aside. It gives nil for any other.
func (p *Replay) resumed(ctx context.Context, s *Standing) (*ReplayReport, error) {
	var last *audit.Leaf
	err := p.DB.Read(ctx, func(tx *db.Tx) (err error) {
		last, err = audit.LastOf(tx, actReplayStarted, actRestored)
		return err
	})
	if err != nil || last == nil || last.Action != actRestored || s.Outside == nil || len(s.Is(LedgerUnknown)) > 0 {
		return nil, err
	}
	size, ok := last.Data["checkpoint_size"].(json.Number)
	if !ok || size.String() != fmt.Sprint(s.Outside.Size) || last.Data["checkpoint_root"] != s.Outside.Root.String() {
		return nil, nil
	}
	out := &ReplayReport{Missing: last.Count}
	return out, p.aside(ctx, last.At, out)
}
