package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/approval"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/intake/format"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// dump is what a backup of the database holds of the conversations.
type dump struct {
	bodies []conversation.Body
	keys   map[id.Conversation]conversation.Key
}

func (w *world) dump(t *testing.T) (d dump) {
	t.Helper()
	err := w.app.db.Read(t.Context(), func(tx *db.Tx) error {
		d = dump{keys: map[id.Conversation]conversation.Key{}}
		if err := tx.Order("id").Find(&d.bodies).Error; err != nil {
			return err
		}
		for _, b := range d.bodies {
			keys, err := conversation.Keys(tx, b.ID)
			if err != nil {
				return err
			}
			for _, k := range keys {
				d.keys[k.ID] = k
			}
		}
		return nil
	})
	if err != nil || len(d.bodies) == 0 {
		t.Fatalf("dump of %d: %v", len(d.bodies), err)
	}
	return d
}

// opens tells which conversations of a dump a key store opens.
func (d dump) opens(t *testing.T, s *seal.Store) (ids []id.Conversation) {
	t.Helper()
	vault := conversation.Vault{Store: s}
	for _, b := range d.bodies {
		k := d.keys[b.ID]
		_, err := vault.Open(&b, &k)
		if err == nil {
			ids = append(ids, b.ID)
		} else if !errors.Is(err, seal.ErrDestroyed) && !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("conversation %d: %v", b.ID, err)
		}
	}
	return ids
}

// code gives a person's one-time code of now.
func (w *world) code(t *testing.T, by account.Actor) string {
	t.Helper()
	const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	dbtest.Exec(t, w.app.db, "UPDATE `user` SET totp = ? WHERE id = ?", w.app.store.SealSmall("account totp", []byte(id.String(by.ID)), []byte(secret)), by.ID)
	code, err := totp.GenerateCode(secret, w.clock.Time())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// approve has the open request approved and confirmed, moves the clock into its cooling-off's end and
// tells when it is due.
func (w *world) approve(t *testing.T) time.Time {
	t.Helper()
	a := w.app
	supervisor, legal := accounttest.User(t, a.db, a.accounts, account.Supervisor, w.department), accounttest.User(t, a.db, a.accounts, account.Legal)
	legal.Scope = account.Everywhere()
	now := func() *purge.Request {
		t.Helper()
		detail, err := a.purges.Get(t.Context(), legal, w.request)
		if err != nil {
			t.Fatal(err)
		}
		return &detail.Request
	}
	root := hex.EncodeToString(now().Root)
	for _, by := range []account.Actor{supervisor, legal} {
		ballot := purge.Ballot{Purge: w.request, Verdict: approval.Approve, Opinion: "范围无误，同意", SeenRoot: root, Code: w.code(t, by)}
		if _, err := a.purges.Vote(t.Context(), by, ballot); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Set(*now().CoolingUntil)
	if now().DueAt == nil {
		if err := a.purges.Confirm(t.Context(), legal, purge.Confirmation{Purge: w.request, Tail: root[len(root)-6:], Code: w.code(t, legal)}); err != nil {
			t.Fatal(err)
		}
	}
	return *now().DueAt
}

// purge has the worker carry it out.
func (w *world) purge(t *testing.T) (purged []id.Conversation) {
	t.Helper()
	w.app.workNow(t)
	err := w.app.db.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Model(&purge.Item{}).Where("purge_id = ? AND state = ?", w.request, purge.Purged).Order("conversation_id").Pluck("conversation_id", &purged).Error
	})
	if err != nil || len(purged) == 0 {
		t.Fatalf("%d purged, %v", len(purged), err)
	}
	return purged
}

// I9: whoever has every backup of the database and the key store as it is now cannot read what was purged;
// nor does a key-store backup help that is brought back as it should be. Copied back by hand it does
// help, until it ends: that is why a certificate takes effect only then.
func TestErasedMeansErased(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			a := w.app
			err := a.importer.Add(t.Context(), account.System("cli", ""), slices.Values([]*format.Conversation{{
				Platform: "wechat", ExternalID: "elsewhere", DepartmentPath: "集团/华南/二组", ServiceType: "咨询", AgentID: "A1", CustomerID: "c9", CustomerName: "王伟",
				Messages: []format.Message{{ID: "1", Sender: format.Customer, At: w.clock.Time().Add(-time.Hour), Kind: "text", Text: "你好"}},
			}}))
			if err != nil {
				t.Fatal(err)
			}
			due := w.approve(t)
			before := w.dump(t)
			folder := t.TempDir()
			run := func(args ...string) {
				t.Helper()
				if out, errOut, code := a.cli(t, w.clock, args...); code != 0 {
					t.Fatalf("%v: %s%s", args, out, errOut)
				}
			}
			run("keys", "backup", folder)
			copies, err := filepath.Glob(filepath.Join(folder, "*"))
			if err != nil || len(copies) != 1 {
				t.Fatal(copies, err)
			}
			all := before.opens(t, a.store)
			if len(all) != len(before.bodies) {
				t.Fatalf("control: %d of %d open before the purge", len(all), len(before.bodies))
			}
			w.clock.Set(due)
			purged := w.purge(t)
			destroyedAt := w.clock.Time()
			// A survivor of a purged bucket lives on under a new key: its row of today opens, the dump's does not.
			survivor := []id.Conversation{w.conversation}
			if slices.Contains(purged, w.conversation) {
				t.Fatal("the restored conversation was purged")
			}
			others := slices.DeleteFunc(slices.Clone(all), func(c id.Conversation) bool { return slices.Contains(purged, c) || slices.Contains(survivor, c) })
			expect := func(when string, s *seal.Store) {
				t.Helper()
				if got := before.opens(t, s); !slices.Equal(got, others) || len(got) == 0 {
					t.Errorf("%s: of the old dump %v open, want %v", when, got, others)
				}
			}
			expect("with the key store of now", a.store)
			now := w.dump(t)
			if got := now.opens(t, a.store); len(got) != len(now.bodies) {
				t.Errorf("of the database of now only %v open", got)
			}

			run("keys", "restore", copies[0])
			expect("after restoring the backup over the key store of now", a.store)
			kept := filepath.Join(t.TempDir(), "kept")
			root := moveAside(t, a.config.Keys, kept)
			run("keys", "restore", copies[0])
			expect("after restoring the backup into an empty folder", a.store)

			// The attack: past every program, with the root key.
			byHand := unpack(t, copies[0])
			if err := os.WriteFile(filepath.Join(byHand, "root.key"), root, 0o600); err != nil {
				t.Fatal(err)
			}
			stolen, err := seal.OpenStore(seal.Options{Dir: byHand})
			if err != nil {
				t.Fatal(err)
			}
			defer stolen.Close()
			if got := before.opens(t, stolen); !slices.Equal(got, all) {
				t.Errorf("control: copied back by hand %v open, want %v", got, all)
			}
			backups, _, err := a.store.Backups()
			if err != nil || len(backups) != 1 {
				t.Fatal(backups, err)
			}
			until, err := a.store.BackupsUntil(destroyedAt)
			if err != nil || until.Before(backups[0].ExpiresAt) {
				t.Errorf("gone from every copy at %v, %v; the backup ends at %v", until, err, backups[0].ExpiresAt)
			}
			w.clock.Set(backups[0].ExpiresAt)
			if out, errOut, code := a.cli(t, w.clock, "keys", "restore", copies[0]); code != 1 {
				t.Errorf("the backup was restored after its end: %s%s", out, errOut)
			}

			// Back to the key store of now, for the oracles.
			if err := os.RemoveAll(a.config.Keys); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(kept, a.config.Keys); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// moveAside moves the key store away and leaves a folder with nothing but the root key.
func moveAside(t *testing.T, dir, to string) (root []byte) {
	t.Helper()
	err := os.Rename(dir, to)
	if err == nil {
		root, err = os.ReadFile(filepath.Join(to, "root.key"))
	}
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "root.key"), root, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// unpack takes a key-store backup apart as anybody could.
func unpack(t *testing.T, file string) (dir string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(content, []byte("\n"))
	line, rest, _ := bytes.Cut(rest, []byte("\n"))
	var head struct {
		Files []struct {
			Name string
			Size int
		}
	}
	if err := json.Unmarshal(line, &head); err != nil || len(head.Files) == 0 {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, f := range head.Files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), rest[:f.Size], 0o600); err != nil {
			t.Fatal(err)
		}
		rest = rest[f.Size:]
	}
	return dir
}
