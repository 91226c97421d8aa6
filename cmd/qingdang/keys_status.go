package main

import (
	"encoding/json"
	"fmt"
	"time"

	"qingdang/models/custody"
	"qingdang/models/seal"
)

// keysState is keys status --json.
type keysState struct {
	Store     string     `json:"store"`
	Folder    string     `json:"folder"`
	Suite     string     `json:"suite"`
	Epoch     uint32     `json:"epoch"`
	Root      string     `json:"root"` // "given" or "file"
	RootFile  string     `json:"root_file,omitempty"`
	Beside    bool       `json:"root_beside_slots"`
	Live      int        `json:"live"`
	Destroyed int        `json:"destroyed"`
	Damaged   int        `json:"damaged"`
	Missing   int64      `json:"missing_buckets"`
	Lost      int64      `json:"missing_conversations"`
	Days      int        `json:"backup_days"`
	Backups   []keysCopy `json:"backups"`
	To        string     `json:"backup_folder,omitempty"`
	LostAt    *time.Time `json:"register_lost_at,omitempty"`
	Until     time.Time  `json:"destroyed_now_gone_everywhere_at"`
	Closed    bool       `json:"database_closed"` // until `qingdang ledger replay`
}

type keysCopy struct {
	File      string     `json:"file"`
	MadeAt    time.Time  `json:"made_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	RemovedAt *time.Time `json:"removed_at,omitempty"`
}

// Run shows the state of the key store.
func (c *keysStatus) Run(t *terminal) error {
	return t.withKeys(func(a *app, k *custody.Keeper) error {
		st, err := k.Status(t.ctx)
		if err != nil {
			return err
		}
		st.Beside = st.Beside || t.rootFileBeside(st.Dir)
		closed, err := a.closed(t.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			out := stateOf(st)
			out.Closed = closed
			enc := json.NewEncoder(t.out)
			enc.SetEscapeHTML(false)
			return enc.Encode(out)
		}
		t.showKeys(st)
		if closed {
			t.say("ledger.closed")
		}
		return nil
	})
}

func stateOf(st *custody.Status) keysState {
	out := keysState{
		Store: st.Store, Folder: st.Dir, Suite: st.Suite.String(), Epoch: st.Buckets.Epoch, Root: "given", RootFile: st.RootFile, Beside: st.Beside,
		Live: st.Buckets.Live, Destroyed: st.Buckets.Destroyed, Damaged: st.Buckets.Damaged, Missing: st.Missing.Buckets, Lost: st.Missing.Conversations,
		Days: st.Days, Backups: []keysCopy{}, To: st.Folder, LostAt: instant(st.LostAt), Until: st.Until,
	}
	if st.RootFile != "" {
		out.Root = "file"
	}
	for _, b := range st.Backups {
		out.Backups = append(out.Backups, keysCopy{b.File, b.MadeAt, b.ExpiresAt, instant(b.RemovedAt)})
	}
	return out
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (t *terminal) showKeys(st *custody.Status) {
	t.say("keys.store", st.Dir, st.Store)
	t.say("keys.suite", st.Suite.String())
	if st.RootFile == "" {
		t.say("keys.root_is_given", st.Buckets.Epoch)
	} else {
		t.say("keys.root_is_file", st.RootFile, st.Buckets.Epoch)
	}
	if st.Beside {
		t.say("keys.root_beside", st.Dir)
	}
	t.say("keys.buckets", st.Buckets.Live, st.Buckets.Destroyed, st.Buckets.Damaged)
	if st.Missing.Buckets > 0 {
		t.say("keys.missing", st.Missing.Buckets, st.Missing.Conversations)
	}
	if st.Folder == "" {
		t.say("keys.no_daily")
	} else {
		t.say("keys.daily", st.Folder)
	}
	for _, b := range st.Backups {
		switch {
		case !b.RemovedAt.IsZero():
			t.say("keys.backup_removed", b.File, b.MadeAt, b.RemovedAt)
		case st.Now.Before(b.ExpiresAt):
			t.say("keys.backup_until", b.File, b.MadeAt, b.ExpiresAt)
		default:
			t.say("keys.backup_ended", b.File, b.MadeAt, b.ExpiresAt)
		}
	}
	if !st.LostAt.IsZero() {
		t.say("keys.register_lost", st.LostAt, fmt.Sprint(seal.MaxBackupDays))
	}
	t.say("keys.until", st.Days, st.Until)
}
