package export_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"qingdang/models/export"
	"qingdang/models/fault"
)

// Of many who send the same grant at once, one gets the file, and every other one is written down.
func TestOneGrantServesOneOfMany(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		e := w.ready(w.supervisor, w.wish())
		g, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		const tries = 8
		var files [tries]*export.Fetch
		var errs [tries]error
		var wait sync.WaitGroup
		for i := range tries {
			wait.Go(func() { files[i], errs[i] = w.desk.Download(w.ctx(), w.supervisor, e.ID, g.Token, g.Passphrase) })
		}
		wait.Wait()
		given := 0
		for i, f := range files {
			if f == nil {
				if kind := fault.KindOf(errs[i]); kind != fault.KindGone && kind != fault.KindForbidden && kind != fault.KindConflict {
					t.Errorf("refused with %v", errs[i])
				}
				continue
			}
			given++
			var out bytes.Buffer
			_, err := f.WriteTo(&out)
			w.must(err)
		}
		if given != 1 {
			t.Errorf("%d got the file", given)
		}
		if n := w.wrote("export.downloaded", e.Code, "ok"); n != 1 {
			t.Errorf("%d downloads are written down", n)
		}
		if n := w.wrote("export.download_refused", e.Code, "refused"); n != tries-1 {
			t.Errorf("%d refusals are written down", n)
		}
	})
}

// A file of an export that is hidden from whoever holds it is unknown to him, and that he holds it is written down;
// a file of nobody's is not.
func TestAHiddenFileIsUnknownAndWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		w.store(w.north, 1)
		e := w.ready(w.supervisor, w.wish())
		g, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		f, err := w.desk.Download(w.ctx(), w.supervisor, e.ID, g.Token, g.Passphrase)
		w.must(err)
		var out bytes.Buffer
		_, err = f.WriteTo(&out)
		w.must(err)
		found, err := w.desk.Check(w.ctx(), w.supervisor, bytes.NewReader(out.Bytes()))
		w.must(err)
		if found.Code != e.Code || !found.Whole {
			t.Errorf("%+v", found)
		}
		_, err = w.desk.Check(w.ctx(), w.second, bytes.NewReader(out.Bytes()))
		w.wantFault(err, "export.unknown_file")
		if n := w.wrote("export.look_refused", e.Code, "refused"); n != 1 {
			t.Errorf("%d refusals are written down", n)
		}
		_, err = w.desk.Check(w.ctx(), w.second, bytes.NewReader(append(out.Bytes(), 'x')))
		w.wantFault(err, "export.unknown_file")
		if n := w.wrote("export.look_refused", e.Code, "refused"); n != 1 {
			t.Errorf("%d refusals are written down", n)
		}
	})
}

// Its time is over at its instant, also before anybody cleared the shelf; the try is written down.
func TestNobodyFetchesAfterItsTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.east, 2)
		e := w.ready(w.supervisor, w.wish())
		w.clock.Set(e.ExpiresAt.Add(-time.Minute))
		g, err := w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.must(err)
		if !g.Until.Equal(*e.ExpiresAt) {
			t.Errorf("the grant is until %s, its end is %s", g.Until, e.ExpiresAt)
		}
		w.clock.Set(*e.ExpiresAt)
		_, err = w.desk.Download(w.ctx(), w.supervisor, e.ID, g.Token, g.Passphrase)
		w.wantFault(err, "export.gone_expired")
		_, err = w.desk.Prepare(w.ctx(), w.supervisor, e.ID)
		w.wantFault(err, "export.gone_expired")
		if n := w.wrote("export.download_refused", e.Code, "refused"); n != 2 {
			t.Errorf("%d refusals are written down", n)
		}
	})
}
