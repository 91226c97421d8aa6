package main

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"qingdang/models/account"
	"qingdang/models/custody"
	"qingdang/models/fault"
	"qingdang/models/seal"
	"qingdang/templates/locale"
)

// keysCommand is what is done with the key store as a whole.
type keysCommand struct {
	Status  keysStatus  `cmd:"" help:"Show the key store: suite, root key, buckets, backups and their ends."`
	Backup  keysBackup  `cmd:"" help:"Write a backup that ends by itself. The root key is not in it."`
	Restore keysRestore `cmd:"" help:"Bring the keys of a backup back. What was destroyed since stays destroyed."`
	Rotate  keysRotate  `cmd:"" help:"Put a new root key in place of the present one."`
}

type keysStatus struct {
	JSON bool `help:"One JSON object."`
}

type keysBackup struct {
	Folder string `arg:"" optional:"" help:"Where to; default: QINGDANG_KEY_BACKUPS."`
}

type keysRestore struct {
	File       string `arg:"" help:"The backup."`
	BackupRoot string `help:"File with the root key of the backup's time (64 hex digits), where it was rotated since." placeholder:"FILE"`
}

type keysRotate struct {
	NewRoot string `help:"File with the next root key (64 hex digits), where QINGDANG_ROOT_KEY is used. It is made if it is not there." placeholder:"FILE"`
}

// withDatabase opens the database alone: a key store that is to be mended need not open.
func (t *terminal) withDatabase(f func(a *app) error) (err error) {
	c, err := loadConfig(t.getenv)
	if err != nil {
		return err
	}
	t.ctx = locale.With(t.ctx, locale.Of(t.ctx), c.location)
	a, err := openDatabase(t.ctx, c, t.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return f(a)
}

// withKeys opens the key store too, also when it is older than the database.
func (t *terminal) withKeys(f func(a *app, k *custody.Keeper) error) error {
	return t.withDatabase(func(a *app) error {
		if err := a.openKeys(t.ctx, t.options); err != nil {
			return err
		}
		return f(a, a.keeper())
	})
}

// Run writes a backup.
func (c *keysBackup) Run(t *terminal) error {
	return t.withKeys(func(a *app, k *custody.Keeper) error {
		folder := cmp.Or(c.Folder, k.Folder)
		if folder == "" {
			return fault.Invalid("keys.no_folder")
		}
		return t.backUp(k, folder)
	})
}

func (t *terminal) backUp(k *custody.Keeper, folder string) error {
	b, err := k.BackUp(t.ctx, account.System("cli", ""), folder)
	if err != nil {
		return err
	}
	t.say("keys.backed_up", b.File, b.ExpiresAt)
	return t.warnAboutRoot(k.Store)
}

func (t *terminal) warnAboutRoot(s *seal.Store) error {
	_, beside, err := s.Root()
	if err == nil && (beside || t.rootFileBeside(s.Dir())) {
		t.say("keys.root_beside", s.Dir())
	}
	return err
}

// rootFileBeside tells whether the file that QINGDANG_ROOT_KEY_FILE names lies in the key store folder.
func (t *terminal) rootFileBeside(dir string) bool {
	file := t.getenv("QINGDANG_ROOT_KEY_FILE")
	if file == "" {
		return false
	}
	own, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	if file, err = filepath.Abs(file); err != nil {
		return false
	}
	rel, err := filepath.Rel(own, file)
	return err == nil && filepath.IsLocal(rel)
}

// Run brings a backup back and tells what is missing still.
func (c *keysRestore) Run(t *terminal) error {
	return t.withDatabase(func(a *app) error {
		var root []byte
		if c.BackupRoot != "" {
			var err error
			if root, err = readRootKey(c.BackupRoot); err != nil {
				return err
			}
		}
		r, err := custody.Restore(t.ctx, a.db, account.System("cli", ""), a.keyOptions(t.options), c.File, root)
		if err != nil {
			return err
		}
		t.say("keys.restored", r.Backup.MadeAt, r.Brought, r.Kept, r.Entombed)
		if r.Missing.Buckets > 0 {
			t.say("keys.missing", r.Missing.Buckets, r.Missing.Conversations)
		}
		t.say("keys.restored_next")
		return nil
	})
}

// Run rotates the root key, tells what the operator has to do now, and makes a backup that the new root
// key opens.
func (c *keysRotate) Run(t *terminal) error {
	return t.withKeys(func(a *app, k *custody.Keeper) error {
		given, made := a.config.RootKey != "", false
		switch {
		case given && c.NewRoot == "":
			return fault.Invalid("keys.root_given", a.config.Keys)
		case !given && c.NewRoot != "":
			return fault.Invalid("keys.root_inside", a.config.Keys)
		}
		var root []byte
		var err error
		if given {
			if root, made, err = nextRootKey(c.NewRoot); err != nil {
				return err
			}
		}
		done, err := k.Rotate(t.ctx, account.System("cli", ""), root)
		if err != nil {
			return err
		}
		t.say("keys.rotated", done.Epoch, done.Rewrapped)
		if done.Damaged > 0 {
			t.say("keys.rotated_damaged", done.Damaged)
		}
		if made {
			t.say("keys.root_made", c.NewRoot)
		}
		if given {
			t.say("keys.rotated_given", c.NewRoot)
		} else {
			t.say("keys.rotated_inside", filepath.Join(a.config.Keys, "root.key"))
		}
		t.say("keys.rotated_old")
		if k.Folder == "" {
			return nil
		}
		return t.backUp(k, k.Folder)
	})
}

// readRootKey reads a root key as the settings take it: 64 hex digits, or 32 bytes as in root.key.
func readRootKey(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.NotFound("keys.no_file", file)
	}
	return b, err
}

// nextRootKey reads the next root key, or makes it, so that nobody has to think one up. It is on disk
// before it is in force. A file with anything but 64 hex digits is refused: QINGDANG_ROOT_KEY takes
// nothing else.
func nextRootKey(file string) (key []byte, made bool, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, false, err
		}
		key, err := decodeRootKey(string(text))
		if err != nil {
			return nil, false, fault.Invalid("keys.bad_root_file", file)
		}
		return key, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	key = make([]byte, 32)
	rand.Read(key)
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	return key, true, errors.Join(err, f.Close())
}
