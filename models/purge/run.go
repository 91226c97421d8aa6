package purge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingdang/models/account"
	"qingdang/models/approval"
	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/index"
	"qingdang/models/job"
	"qingdang/models/retention"
)

// Phase is the part of an execution that comes next. A request keeps it, so that whoever goes
// on after a crash knows where.
type Phase string

// The phases in their order. The keys of the buckets come after the rows: until then a
// purge has only taken what a database backup could give back.
const (
	PhaseNone   Phase = ""
	PhaseErase  Phase = "erase"  // keys, bodies, tags and rows, in chunks
	PhaseLedger Phase = "ledger" // puncture the buckets, write the file outside the database
	PhaseKeys   Phase = "keys"   // destroy the buckets' keys
	PhaseVerify Phase = "verify" // read back, certify
	PhaseFile   Phase = "file"   // seal the certificate's evidence file
	PhaseEnd    Phase = "end"
)

// Certifier writes the evidence file of a document whose digest leaf n carries; *audit.Log is
// one.
type Certifier interface {
	Certify(ctx context.Context, n int64, format string, body any) ([]byte, error)
}

// Runner executes purges as jobs of the kind JobRun. Every step is one small transaction under
// the job's fencing token; what a step leaves behind is enough for any worker to go on.
type Runner struct {
	DB           *db.DB
	Vault        conversation.Vault
	Desk         *Desk
	Log          Certifier
	Ledger       *Ledger      // nil: no ledger outside, as in tests that need none
	Index        *index.Index // nil: no search index, as in tests that need none
	Organisation string
	Worker       string // as the certificate names it
	Chunk        int    // conversations per transaction; 0 = as many as a short transaction takes
	Lanes        int    // transactions at once; 0 = 2 on a server, and 1 if Chunk says how large they are
	pace         pace   // of erasing
	puncturePace pace
	noted        noted
	named        named // by the ledger's file
}

// Step does the next part of an execution.
func (w *Runner) Step(ctx context.Context, j *job.Job) (done bool, err error) {
	var r Request
	err = w.DB.Read(ctx, func(tx *db.Tx) error { return tx.Where("id = ?", j.Subject).Take(&r).Error })
	if err != nil {
		return false, fmt.Errorf("find purge: %w", err)
	}
	switch {
	case r.Phase == PhaseErase:
		return false, w.erase(ctx, j, &r)
	case r.Phase == PhaseLedger:
		return false, w.ledger(ctx, j)
	case r.Phase == PhaseKeys:
		return false, w.keys(ctx, j)
	case r.Phase == PhaseVerify:
		return false, w.verify(ctx, j)
	case r.Phase == PhaseFile:
		return false, w.file(ctx, j)
	case r.State == CoolingOff, r.State == Scheduled:
		return false, w.start(ctx, j)
	}
	return true, nil // withdrawn, lapsed or finished
}

// system is the actor of everything that no person does.
func (w *Runner) system() audit.Actor { return account.System("worker", w.Worker).Audit() }

// start looks at everything once more and begins, or lets the request lapse, or waits. The list is
// read before, in a transaction that keeps nobody from writing; what becomes of an item is decided
// by its own row in any case.
func (w *Runner) start(ctx context.Context, j *job.Job) error {
	var list storedList
	err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if list.root, list.size, err = storedRoot(tx, id.Purge(j.Subject)); err != nil {
			return err
		}
		list.freed, err = w.Desk.freed(tx, id.Purge(j.Subject))
		return err
	})
	if err != nil {
		return err
	}
	return w.Desk.Clock.Write(ctx, w.DB, func(tx *db.Tx) error {
		r, err := lockRequest(tx, id.Purge(j.Subject))
		if err != nil {
			return err
		}
		if r.State != CoolingOff && r.State != Scheduled {
			return job.Finish(tx, j)
		}
		at, err := w.Desk.startAt(tx, r)
		reason := ""
		switch {
		case IsForged(err):
			reason = lapseForged
		case err != nil:
			return err
		case tx.Now.Before(at):
			return job.Again(tx, j, at)
		default:
			if reason, err = w.Desk.flaw(tx, r, list); err != nil {
				return err
			}
		}
		if reason != "" {
			if err := job.Finish(tx, j); err != nil {
				return err
			}
			return r.lapse(tx, reason)
		}
		return w.begin(tx, j, r)
	})
}

func (w *Runner) begin(tx *db.Tx, j *job.Job, r *Request) error {
	if err := r.move(tx, Running, map[string]any{"phase": PhaseErase, "started_at": tx.Now, "worker": w.Worker, "job_id": j.ID}); err != nil {
		return err
	}
	if err := job.Advance(tx, j, 0, 0); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{
		Actor: w.system(), Action: "purge.started", ObjectKind: "purge", Object: r.Code, Count: r.Size,
		Data: map[string]any{"root": hexOf(r.Root), "requester": r.RequesterID, "worker": w.Worker},
	})
}

// startAt gives the first instant at which the request may run: after its cooling-off, after
// the bin window of every batch (which may have been extended), in the maintenance window. An
// emergency waits for none of the latter two.
func (d *Desk) startAt(tx *db.Tx, r *Request) (time.Time, error) {
	keep, err := keepUntil(tx, d.Keys, r)
	if err != nil {
		return time.Time{}, err
	}
	if r.CoolingUntil == nil {
		return time.Time{}, errors.New("purge: no cooling-off was begun")
	}
	at := r.earliest(*r.CoolingUntil, keep)
	return d.runFrom(r, later(at, tx.Now)), nil
}

// storedList is the list as its rows say it, and whether something of it is free of a hold by a row alone.
type storedList struct {
	root  [32]byte
	size  int64
	freed bool
}

// flaw looks whether what was requested, agreed to and frozen is still the same, and names
// what is not.
func (d *Desk) flaw(tx *db.Tx, r *Request, list storedList) (string, error) {
	votes, broken, err := d.recheck(tx, r)
	if err != nil || broken != "" {
		return broken, err
	}
	last := &votes[len(votes)-1]
	if r.CoolingUntil.Before(last.At.Add(r.cooling())) || r.LegalAtOnce != last.Has(termAtOnce) {
		return lapseForged, nil
	}
	if r.ScopeKind == Organisation {
		if r.ConfirmedAt == nil || !r.confirmed(d.Keys) {
			return lapseForged, nil
		}
		if active, err := account.ActiveAs(tx, r.ConfirmedBy, r.ConfirmedPerson, account.Legal); err != nil || !active {
			return approval.BrokenInactive, err
		}
		if other, err := r.confirmedByAnother(tx, votes); err != nil || !other {
			return approval.BrokenPeople, err
		}
	}
	if list.size != r.Size || string(list.root[:]) != string(r.Root) {
		return lapseManifest, nil
	}
	if inForce, err := retention.InForce(tx); err != nil || !inForce {
		return lapsePolicy, err
	}
	if list.freed {
		return lapseHold, nil
	}
	return "", nil
}

// confirmedByAnother tells, as Confirm did, whether legal's second word is another person's than the request, the
// supervisor's vote and the choice of what is destroyed.
func (r *Request) confirmedByAnother(tx *db.Tx, votes []approval.Vote) (bool, error) {
	if r.ConfirmedPerson == 0 || r.ConfirmedPerson == r.RequesterPerson {
		return false, nil
	}
	for i := range votes {
		if votes[i].PersonID == r.ConfirmedPerson && votes[i].Role != account.Legal {
			return false, nil
		}
	}
	chose, err := chosenBy(tx, r.ID, r.ConfirmedPerson)
	return !chose, err
}

// recheck looks whether the request is still what was requested and the consent stands; broken says why not.
func (d *Desk) recheck(tx *db.Tx, r *Request) (votes []approval.Vote, broken string, err error) {
	switch genuine, err := r.genuine(tx, d.Keys); {
	case err != nil:
		return nil, "", err
	case !genuine:
		return nil, lapseForged, nil
	}
	votes, err = approval.Recheck(tx, d.Keys, approval.Want{
		Approval: r.ApprovalID, Kind: approval.Purge, Subject: uint64(r.ID),
		Root: [32]byte(r.Root), PolicyVersion: [32]byte(r.PolicyVersion), RequesterPerson: r.RequesterPerson,
	})
	var b *approval.Broken
	if errors.As(err, &b) {
		return nil, b.Reason, nil
	}
	for i := range votes {
		if r.Emergency() && !votes[i].Has(termIncident(r.Incident)) {
			return nil, lapseForged, nil
		}
		if chose, err := chosenBy(tx, r.ID, votes[i].PersonID); err != nil || chose {
			return nil, approval.BrokenPeople, err
		}
	}
	return votes, "", err
}

// lockPhase locks the request of a running job. ok is false when another worker has gone on
// from the phase; then nothing is to be done.
func lockPhase(tx *db.Tx, j *job.Job, phase Phase) (r *Request, ok bool, err error) {
	if r, err = lockRequest(tx, id.Purge(j.Subject)); err != nil {
		return nil, false, err
	}
	return r, r.Phase == phase, nil
}

// sharePhase is lockPhase for transactions that run at once and change nothing of the request.
func sharePhase(tx *db.Tx, j *job.Job, phase Phase) (r *Request, ok bool, err error) {
	r = &Request{}
	if err := tx.ForShare().Where("id = ?", j.Subject).Take(r).Error; err != nil {
		return nil, false, fmt.Errorf("lock request: %w", err)
	}
	return r, r.Phase == phase, nil
}

// enter moves the execution on to its next phase.
func (r *Request) enter(tx *db.Tx, next Phase) error {
	res := tx.Model(&Request{}).Where("id = ? AND phase = ?", r.ID, r.Phase).Update("phase", next)
	if res.Error != nil {
		return fmt.Errorf("enter phase: %w", res.Error)
	}
	if res.RowsAffected != 1 {
		return job.ErrFenced
	}
	r.Phase = next
	return nil
}
