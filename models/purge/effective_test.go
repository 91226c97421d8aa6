package purge_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/bin"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/job"
	"qingdang/models/purge"
	"qingdang/models/seal"
)

// certificate carries out a request and gives its certificate.
func (w *world) certificate(r *purge.Request) *purge.Certificate {
	w.t.Helper()
	w.toTheEvening(r)
	w.work()
	w.wantWhole(r)
	d, err := w.desk.Get(w.ctx(), w.legal, r.ID)
	w.must(err)
	c, err := w.desk.Certificate(w.ctx(), w.legal, d.Certificate.ID)
	w.must(err)
	return c
}

func reachOf(list []purge.Reach, copies string) purge.Reach {
	for _, r := range list {
		if r.Copy == copies {
			return r
		}
	}
	return purge.Reach{}
}

// What was purged is unreadable everywhere only when the last copy of the keys has ended.
func TestACertificateTakesEffectWhenTheLastCopyOfTheKeysHasEnded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(3)
		r := w.approved(batch)
		w.toTheEvening(r)
		kept, err := w.keys.Backup(t.TempDir(), clock.Time().Add(-24*time.Hour))
		w.must(err)
		if _, err := w.keys.Backup(t.TempDir(), clock.Time().Add(-40*24*time.Hour)); err != nil {
			t.Fatal(err) // ended before the purge: no copy of its keys
		}
		c := w.certificate(r)

		until, err := w.keys.BackupsUntil(c.IssuedAt)
		w.must(err)
		if c.EffectiveAt == nil || !c.EffectiveAt.Equal(until) || !c.Body.EffectiveAt.Equal(until) || until.Sub(c.IssuedAt) < seal.BackupDays*24*time.Hour {
			t.Errorf("effective at %v and %v, copies live until %v", c.EffectiveAt, c.Body.EffectiveAt, until)
		}
		if c.Effective(until.Add(-time.Second)) || !c.Effective(until) {
			t.Error("in effect a second too early, or too late")
		}
		for _, copies := range []string{purge.CopyDatabaseBackups, purge.CopyDatabaseLogs, purge.CopyKeyBackups} {
			if got := reachOf(c.Body.Reach, copies); got.State != purge.ReachExpires || got.Until == nil || !got.Until.Equal(until) {
				t.Errorf("%s: %+v", copies, got)
			}
		}
		if got := reachOf(c.Body.Reach, purge.CopyKeyBackups).Items; len(got) != 1 || !strings.HasSuffix(kept.File, "/"+got[0].Name) || !got[0].Until.Equal(kept.ExpiresAt) {
			t.Errorf("copies of the keys: %+v", got)
		}
		body, err := json.Marshal(c.Body)
		w.must(err)
		if bytes.Contains(body, []byte("+00:00")) || bytes.Contains(body, []byte("/tmp")) {
			t.Errorf("another zone, or a place on a disk: %s", body)
		}
	})
}

// A page says of every class of copies what it is, before and after.
func TestTheReachIsSaidBeforeAndAfter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(3)
		r := w.approved(batch)
		get := func(r *purge.Request) []purge.Reach {
			t.Helper()
			d, err := w.desk.Get(w.ctx(), w.supervisor, r.ID)
			w.must(err)
			return d.Reach
		}
		all := []string{
			purge.CopyRows, purge.CopyKeys, purge.CopyIndex, purge.CopyAttachments, purge.CopyArchive, purge.CopyExports,
			purge.CopyDatabaseBackups, purge.CopyDatabaseLogs, purge.CopyKeyBackups, purge.CopyPlatform, purge.CopyDevices,
		}
		states := func(list []purge.Reach) string {
			var out []string
			for i, r := range list {
				if r.Copy != all[i] {
					t.Errorf("%d is %s, want %s", i, r.Copy, all[i])
				}
				out = append(out, string(r.State))
			}
			return strings.Join(out, " ")
		}
		const (
			resting = "kept kept kept kept none kept kept kept kept out_of_reach out_of_reach"
			gone    = "erased key_destroyed key_destroyed erased none none expires expires expires out_of_reach out_of_reach"
		)
		if got := states(purge.ReachInBin()); got != resting {
			t.Errorf("in the bin: %s", got)
		}
		if got := get(r); states(got) != gone || reachOf(got, purge.CopyKeyBackups).Days != seal.BackupDays || reachOf(got, purge.CopyKeyBackups).Until != nil {
			t.Errorf("before: %+v", got)
		}
		var file strings.Builder
		w.must(w.desk.ManifestCSV(w.ctx(), w.legal, r.ID, &file))
		c := w.certificate(r)
		if got := get(r); states(got) != gone || reachOf(got, purge.CopyExports).Count != 1 || reachOf(got, purge.CopyRows).Until != nil {
			t.Errorf("after: %+v", got)
		}
		if states(c.Body.Reach) != gone {
			t.Errorf("on the certificate: %+v", c.Body.Reach)
		}

		_, batch = w.expiredAs("w", 2)
		r = w.approved(batch)
		w.must(w.desk.Withdraw(w.ctx(), w.legal, r.ID, "范围需要复查"))
		if got := states(get(r)); got != resting {
			t.Errorf("withdrawn: %s", got)
		}
	})
}

// A certificate of a purge that destroyed nothing must not say that it did.
func TestACertificateOfNothingSaysSo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		ids, batch := w.expired(2)
		r := w.approved(batch)
		w.hold(ids[0])
		w.hold(ids[1])
		c := w.certificate(r)
		b := c.Body
		if b.Result.Purged != 0 || b.Result.Skipped != 2 || b.Exclusions.WhenRun[purge.Held] != 2 || b.Execution.KeysDestroyedAt != nil {
			t.Errorf("%+v %+v", b.Result, b.Exclusions)
		}
		if !b.EffectiveAt.Equal(b.IssuedAt) || reachOf(b.Reach, purge.CopyRows).State != purge.ReachKept || reachOf(b.Reach, purge.CopyKeys).State != purge.ReachKept {
			t.Errorf("effective %v, issued %v, %+v", b.EffectiveAt, b.IssuedAt, b.Reach)
		}
	})
}

// What a batch left behind, and who let it be, stands on the certificate.
func TestResidueStandsOnTheCertificateWithWhoKnewOfIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(2)
		w.setBatch(batch, `residue_count = 6, residue_reason = '二店另行处理', residue = '[{"department":43,"path":"云栖优品集团/杭州分公司/二店","count":6}]', `+
			"owner_name = '林静怡'")
		got := w.certificate(w.approved(batch)).Body.Residue
		if len(got) != 1 || got[0].Count != 6 || len(got[0].Departments) != 1 || got[0].Departments[0].ID != "43" || got[0].Acknowledged == nil {
			t.Fatalf("%+v", got)
		}
		if a := got[0].Acknowledged; a.Person.Name != "林静怡" || a.Person.StaffNo != w.agent.StaffNo || a.Reason != "二店另行处理" || a.At.IsZero() {
			t.Errorf("%+v", a)
		}
	})
}

// What the console gives out satisfies a program that knows nothing of it.
func TestAStrangerVerifiesACertificateAndItsList(t *testing.T) {
	program := filepath.Join(t.TempDir(), "qingdang-verify")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/qingdang-verify").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		boss := accounttest.User(t, d, w.accounts, account.Supervisor, w.sales, w.support)
		second := accounttest.User(t, d, w.accounts, account.Supervisor, w.sales, w.support)
		ids := w.store(chat{name: "a"}, chat{name: "b", dep: w.support, class: "=投诉"}, chat{name: "c", class: "'咨询"}, chat{name: "d"})
		r := w.approve(w.request(boss, w.binned(clock.Time(), bin.ScopeDepartment, ids...)), second, w.legal)
		w.hold(ids[3])
		c := w.certificate(r)
		dir := t.TempDir()
		paper, list := filepath.Join(dir, c.Code+".json"), filepath.Join(dir, r.Code+".csv")
		var file bytes.Buffer
		w.must(w.desk.ManifestCSV(w.ctx(), w.legal, r.ID, &file))
		w.must(os.WriteFile(paper, c.File, 0o600))
		w.must(os.WriteFile(list, file.Bytes(), 0o600))
		out, err := exec.Command(program, "--items", list, paper).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "list of 4: 3 purged, 1 skipped") {
			t.Errorf("%v\n%s\n%s", err, out, &file)
		}
		w.must(os.WriteFile(list, bytes.Replace(file.Bytes(), []byte("skipped,held"), []byte("purged,"), 1), 0o600))
		if out, err := exec.Command(program, "--items", list, paper).CombinedOutput(); err == nil {
			t.Errorf("a changed list passes:\n%s", out)
		}
	})
}

// A list that somebody changed while the purge ran is never certified.
func TestAListThatChangedOnTheWayIsNotCertified(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		_, batch := w.expired(3)
		r := w.approved(batch)
		w.toTheEvening(r)
		for w.now(r).Phase != purge.PhaseVerify {
			w.step(r)
			clock.Advance(2 * time.Minute) // the lease of who died runs out
		}
		w.set("UPDATE purge_item SET messages = messages + 1 WHERE purge_id = ? AND seq = 1", r.ID)
		j, err := job.Claim(w.ctx(), w.d, "next", []string{purge.JobRun})
		w.must(err)
		if _, err := w.runner().Step(w.ctx(), j); err == nil || !strings.Contains(err.Error(), "verification of manifest") {
			t.Errorf("verified: %v", err)
		}
		if n := w.count(&purge.Head{}, "purge_id = ?", r.ID); n != 0 {
			t.Errorf("%d certificates", n)
		}
	})
}
