package subject

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qingdang/models/db"
	"qingdang/models/id"
	"qingdang/models/seal"
)

// A request is remembered outside the database as well, in the folder of the outside ledger: a file when it is placed, one
// more when it is lifted, neither ever changed. With them a database that was restored from a backup from before knows the
// request again (see Replay). The files are sealed, and hold no text.

const (
	placedFile = ".request"
	liftedFile = ".lifted"
	newFile    = ".new-"

	sealOutside = "subject outside"
)

// ErrOutside says that a file about a request is not what was written.
var ErrOutside = errors.New("subject: the file of a deletion request in the outside ledger is damaged, or of another key store")

// ErrOther says that a file about a request has the code of another request of the database.
var ErrOther = errors.New("subject: the file of a deletion request in the outside ledger has the code of another request of this database; the database was in use while the folder was away, or somebody changed it")

// kept is a request as a file tells of it, with what it reached; that of a lifted one has no items.
type kept struct {
	Request Request
	Items   []Item
}

// Files is the memory of requests outside the database. Without a folder it remembers nothing.
type Files struct {
	Dir  string
	Keys *seal.Store
}

func (f *Files) path(code, kind string) string { return filepath.Join(f.Dir, code+kind) }

// codes lists the requests of which there is a file of the kind.
func (f *Files) codes(kind string) ([]string, error) {
	if f.Dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(f.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the outside ledger: %w", err)
	}
	var codes []string
	for _, e := range entries {
		if code, ok := strings.CutSuffix(e.Name(), kind); ok && !strings.HasPrefix(code, ".") {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes, nil
}

// read opens a file. The error is ErrOutside when it is not what was written.
func (f *Files) read(code, kind string) (*kept, error) {
	sealed, err := os.ReadFile(f.path(code, kind))
	if err != nil {
		return nil, fmt.Errorf("outside ledger: %w", err)
	}
	var k kept
	plain, err := f.Keys.OpenSmall(sealOutside, []byte(code+kind), sealed)
	if err != nil || json.Unmarshal(plain, &k) != nil || k.Request.Code != code {
		return nil, fmt.Errorf("%s%s: %w", code, kind, ErrOutside)
	}
	return &k, nil
}

// write puts a file there that survives any power cut, unless there is one.
func (f *Files) write(kind string, k *kept) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s into the outside ledger: %w", k.Request.Code, err)
		}
	}()
	plain, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(f.Dir, newFile+k.Request.Code+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	_, err = temp.Write(f.Keys.SealSmall(sealOutside, []byte(k.Request.Code+kind), plain))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces a file.
	if err := os.Link(temp.Name(), f.path(k.Request.Code, kind)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := os.Open(f.Dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// remember writes what the folder lacks of the database's requests. Each act calls it when it is committed, and the timer,
// since the process may die in between, or the folder be away.
func (r *Requests) remember(ctx context.Context) error {
	if r.Outside.Dir == "" {
		return nil
	}
	placed, err := r.Outside.codes(placedFile)
	if err != nil {
		return err
	}
	lifted, err := r.Outside.codes(liftedFile)
	if err != nil {
		return err
	}
	var lack []kept
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		lack = nil
		var all []Request
		if err := tx.Order("id").Find(&all).Error; err != nil {
			return fmt.Errorf("read requests: %w", err)
		}
		for _, of := range all {
			if slices.Contains(placed, of.Code) && (of.State != Lifted || slices.Contains(lifted, of.Code)) {
				continue
			}
			// What somebody wrote past the program is not carried into the next database.
			if ok, err := of.genuine(tx, r.Vault.Store); err != nil || !ok {
				if err != nil {
					return err
				}
				continue
			}
			k := kept{Request: of}
			if err := tx.Where("request_id = ?", of.ID).Order("conversation_id").Find(&k.Items).Error; err != nil {
				return fmt.Errorf("read what a request reached: %w", err)
			}
			lack = append(lack, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range lack {
		if err := r.Outside.keep(&lack[i]); err != nil {
			return err
		}
	}
	return nil
}

// keep writes the files of a request: as it was placed, and as it was lifted.
func (f *Files) keep(k *kept) error {
	first := *k
	if k.Request.State != Open {
		first.Request.State, first.Request.EndedBy, first.Request.EndedPerson, first.Request.EndedName = Open, 0, 0, ""
		first.Request.EndReason, first.Request.EndedAt, first.Request.OpenSlot = "", nil, first.Request.CustomerMAC
	}
	if err := f.write(placedFile, &first); err != nil || k.Request.State != Lifted {
		return err
	}
	return f.write(liftedFile, &kept{Request: k.Request})
}

// remembered is remember after an act that is done: the timer tries again.
func (r *Requests) remembered(ctx context.Context) {
	if err := r.remember(context.WithoutCancel(ctx)); err != nil {
		slog.WarnContext(ctx, "the outside ledger does not know every deletion request", "error", err)
	}
}

// Standing says what a database does not know of its requests that is known outside of it.
type Standing struct {
	Unknown []string // it was restored from a backup from before they were placed
	Lifted  []string // they are open in it, and were lifted
	Clash   []string // it has another request under that code, of another customer or time
	Damaged []string // files of these that are not what was written
	Files   int
}

// Closed tells whether nobody may work with the database before Replay.
func (s *Standing) Closed() bool { return len(s.Unknown)+len(s.Lifted)+len(s.Clash)+len(s.Damaged) > 0 }

// Stand compares the database with the files.
func (r *Requests) Stand(ctx context.Context) (*Standing, error) {
	// The files first: each was written after its request was committed.
	placed, err := r.Outside.codes(placedFile)
	if err != nil {
		return nil, err
	}
	lifted, err := r.Outside.codes(liftedFile)
	if err != nil {
		return nil, err
	}
	s := &Standing{Files: len(placed)}
	here := map[string]Request{}
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		var all []Request
		if err := tx.Select("code", "state", "customer_mac", "created_at").Find(&all).Error; err != nil {
			return fmt.Errorf("read requests: %w", err)
		}
		clear(here)
		for _, of := range all {
			here[of.Code] = of
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	look := func(codes []string, kind string, wrong State, into *[]string) error {
		for _, code := range codes {
			of, known := here[code]
			switch k, err := r.Outside.read(code, kind); {
			case errors.Is(err, ErrOutside):
				// Of a request that the database knows nothing is lost with its file.
				if of.State == wrong {
					s.Damaged = append(s.Damaged, code)
				}
			case err != nil:
				return err
			case known && !k.Request.is(&of):
				s.Clash = append(s.Clash, code)
			case of.State == wrong:
				*into = append(*into, code)
			}
		}
		return nil
	}
	err = errors.Join(look(placed, placedFile, "", &s.Unknown), look(lifted, liftedFile, Open, &s.Lifted))
	slices.Sort(s.Clash)
	s.Clash = slices.Compact(s.Clash)
	return s, err
}

// is tells whether two are the same request. Their code alone does not: where the folder was away after a restore, the
// next request got the number of one that the database had forgotten.
func (r *Request) is(other *Request) bool {
	return slices.Equal(r.CustomerMAC, other.CustomerMAC) && r.CreatedAt.Equal(other.CreatedAt)
}

// ids gives what a kept request reached.
func (k *kept) ids() []id.Conversation {
	ids := make([]id.Conversation, len(k.Items))
	for i, it := range k.Items {
		ids[i] = it.ConversationID
	}
	return ids
}
