package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

const registerFile = "backups.json"

// How many days a copy of the key store may live. The upper bound is also what is assumed when the
// register is lost: nobody can have been promised more.
const (
	BackupDays     = 7
	MaxBackupDays  = 30
	day            = 24 * time.Hour
	keepRegistered = 90 * day // after its end an entry is history, which the audit log keeps
)

// Backup is one backup file of this key store. RemovedAt is zero while nobody has seen it gone.
type Backup struct {
	File      string    `json:"file"`
	MadeAt    time.Time `json:"made_at"`
	ExpiresAt time.Time `json:"expires_at"`
	RemovedAt time.Time `json:"removed_at,omitzero"`
}

// register is backups.json: every backup made here, and how long copies of the folder were allowed to
// live since when. The code behind it keeps anybody without the root key from shortening a life.
type register struct {
	Lives   []life    `json:"lives"`
	Backups []Backup  `json:"backups"`
	LostAt  time.Time `json:"lost_at,omitzero"` // when an earlier register was found missing or altered
}

// life is a number of days that copies were allowed to live, at times between From and To. There is one for
// each number; the last of them is in force.
type life struct {
	Days int       `json:"days"`
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// Backups lists the backups of this key store, oldest first, as far as its register knows them. lostAt
// is when an earlier register was found missing or altered, zero if never.
func (s *Store) Backups() (list []Backup, lostAt time.Time, err error) {
	r, _, err := s.readRegister()
	return r.Backups, r.LostAt, err
}

// BackupsUntil tells until when somebody may hold a copy of the keys as they were before t: a key that is
// destroyed at t is gone everywhere after that. It is the end of the longest-lived registered backup
// that was made before t and there at t, and never less than t plus the longest life a copy had been
// allowed: copies that an operator makes by his own means are bound by the same setting, and no register
// knows them.
func (s *Store) BackupsUntil(t time.Time) (time.Time, error) {
	r, _, err := s.readRegister()
	if err != nil {
		return time.Time{}, err
	}
	until := t.Add(time.Duration(s.days) * day)
	for _, l := range r.Lives {
		if l.From.After(t) {
			continue
		}
		made := t // the last copy that could be made under this life
		if !l.To.IsZero() && l.To.Before(t) {
			made = l.To
		}
		until = latest(until, made.Add(time.Duration(l.Days)*day))
	}
	for _, b := range r.Backups {
		if !b.MadeAt.After(t) && (b.RemovedAt.IsZero() || b.RemovedAt.After(t)) {
			until = latest(until, b.ExpiresAt)
		}
	}
	return until, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// readRegister reads the register. In place of one that is missing or altered it gives one that assumes
// the longest life of all, so that nothing is ever certified too early for its sake.
func (s *Store) readRegister() (r register, found bool, err error) {
	b, err := os.ReadFile(s.path(registerFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return register{}, false, fmt.Errorf("register of backups: %w", err)
	}
	text, code, _ := bytes.Cut(b, []byte("\n"))
	if sum, err := hex.DecodeString(string(bytes.TrimSpace(code))); err == nil && hmac.Equal(sum, s.registerSum(text)) && json.Unmarshal(text, &r) == nil && len(r.Lives) > 0 {
		return r, true, nil
	}
	return register{Lives: []life{{Days: MaxBackupDays}}, LostAt: second(s.now())}, false, nil
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func (s *Store) registerSum(text []byte) []byte {
	h := hmac.New(sha256.New, s.derive("register", "", sha256.Size))
	h.Write(text)
	return h.Sum(nil)
}

// writeRegister is called under the lock of the folder.
func (s *Store) writeRegister(r register) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return writeDurably(s.path(registerFile), fmt.Appendf(text, "\n%x\n", s.registerSum(text)))
}

// noteLife writes down that copies may live for another number of days from now on. It is called under
// the lock of the folder.
func (s *Store) noteLife() error {
	r, found, err := s.readRegister()
	if err != nil || found && r.Lives[len(r.Lives)-1].Days == s.days {
		return err
	}
	now := second(s.now())
	mine := life{Days: s.days, From: now}
	var others []life
	for _, l := range r.Lives {
		switch {
		case l.Days == s.days:
			mine.From = l.From // between its times it is taken to have been in force: never too short
		case l.To.IsZero():
			l.To = now
			fallthrough
		default:
			others = append(others, l)
		}
	}
	r.Lives = append(others, mine)
	return s.writeRegister(r)
}

// registered changes the entry of a file, or adds one, and forgets old history. It is called under the
// lock of the folder.
func (s *Store) registered(file string, now time.Time, change func(*Backup)) error {
	r, _, err := s.readRegister()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Backups, func(b Backup) bool { return b.File == file })
	if i < 0 {
		r.Backups, i = append(r.Backups, Backup{File: file}), len(r.Backups)
	}
	change(&r.Backups[i])
	r.Backups = slices.DeleteFunc(r.Backups, func(b Backup) bool {
		return !b.RemovedAt.IsZero() && now.Sub(b.ExpiresAt) > keepRegistered
	})
	return s.writeRegister(r)
}
