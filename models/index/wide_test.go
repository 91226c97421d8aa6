package index

import (
	"fmt"
	"testing"

	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
)

// A search looks for many terms in many segments, more than one statement takes.
func TestPostingsOfVeryManySegments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const n = 1200
		w := newWorld(t, d)
		w.write(func(tx *db.Tx) error {
			for i := range n {
				doc := w.doc()
				doc.Department = id.Department(1000 + i) // a division, and a segment, of its own
				w.said.put(doc.ID, 1, []string{"alle", fmt.Sprint("nur", i)})
				if err := insertRow(tx, doc); err != nil {
					return err
				}
				if err := Changed(tx, true, doc.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if _, err := w.x.Catch(t.Context()); err != nil {
			t.Fatal(err)
		}
		whole, err := w.x.now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.x.rewrite(t.Context(), whole, shape{division: func(d id.Department) id.Department { return d }}, idle); err != nil {
			t.Fatal(err)
		}
		w.x = w.open(d) // nothing is remembered
		err = d.Read(t.Context(), func(tx *db.Tx) error {
			v, err := w.x.View(tx)
			if err != nil {
				return err
			}
			all, one := w.x.Token("alle"), w.x.Token("nur7")
			found, err := v.Postings([]Token{all, one, w.x.Token("keiner")}, v.Segments...)
			if err != nil {
				return err
			}
			have, special := 0, 0
			for _, s := range v.Segments {
				have += int(found[s][all].GetCardinality())
				special += int(found[s][one].GetCardinality())
			}
			if len(v.Segments) != n || have != n || special != 1 {
				t.Errorf("%d segments, %d and %d found", len(v.Segments), have, special)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
