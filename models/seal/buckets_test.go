package seal

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"
)

func TestDestroyedNeverOpens(t *testing.T) {
	s := newTestStore(t)
	other := reopen(t, Options{Dir: s.dir}) // as another process would have it
	ids := newBuckets(t, s, 3)
	aad := AAD{Record: 1}
	var sealed []Sealed
	for _, id := range ids {
		sealed = append(sealed, mustSeal(t, s, id, aad, []byte(talk)))
		if _, err := other.Open(id, aad, sealed[len(sealed)-1]); err != nil { // its cache holds the key now
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(s.path(slotsFile))
	check(t, err)

	for range 2 { // doing it again changes nothing
		check(t, s.Destroy(ids[0], ids[2], ids[0]))
		for _, store := range []*Store{s, other, reopen(t, Options{Dir: s.dir})} {
			for i, want := range []error{ErrDestroyed, nil, ErrDestroyed} {
				if _, err := store.Open(ids[i], aad, sealed[i]); !errors.Is(err, want) {
					t.Errorf("open in bucket %d = %v, want %v", ids[i], err, want)
				}
			}
			if _, err := store.Seal(ids[0], aad, nil); !errors.Is(err, ErrDestroyed) {
				t.Errorf("seal = %v", err)
			}
			if _, err := store.Tree(ids[0], ids[0], nil); !errors.Is(err, ErrDestroyed) {
				t.Errorf("tree = %v", err)
			}
		}
		s.now = func() time.Time { return noon.Add(time.Hour) }
	}

	got, err := s.State(ids[0])
	check(t, err)
	if want := (Status{Destroyed, noon, noon}); got != want {
		t.Errorf("state = %v, want %v", got, want)
	}
	after, err := os.ReadFile(s.path(slotsFile))
	check(t, err)
	at := int(ids[0])*slotSize + slotWrapped
	if bytes.Equal(before[at:][:16], after[at:][:16]) || bytes.Contains(after, before[at+nonceSize:][:16]) {
		t.Error("the wrapped key is still in the file")
	}
}

func TestDestroyIsAllOrNothingForUnknownIDs(t *testing.T) {
	s := newTestStore(t)
	id := newBuckets(t, s, 1)[0]
	for _, unknown := range []uint64{0, id + 1, 1 << 56, 1 << 63, ^uint64(0)} {
		if err := s.Destroy(id, unknown); !errors.Is(err, ErrNoBucket) {
			t.Errorf("destroy %d = %v", unknown, err)
		}
		if _, err := s.Bucket(unknown); !errors.Is(err, ErrNoBucket) {
			t.Errorf("bucket %d = %v", unknown, err)
		}
		if st, err := s.State(unknown); st.State != Absent || err != nil {
			t.Errorf("state of %d = %v, %v", unknown, st, err)
		}
	}
	if st, _ := s.State(id); st.State != Live {
		t.Errorf("bucket %d is %v", id, st.State)
	}
	check(t, s.Destroy())
}

func TestHeldBucketNoticesDestruction(t *testing.T) {
	s := newTestStore(t)
	id := newBuckets(t, s, 1)[0]
	b, err := s.Bucket(id)
	check(t, err)
	check(t, b.Check())
	check(t, reopen(t, Options{Dir: s.dir}).Destroy(id))
	if err := b.Check(); !errors.Is(err, ErrDestroyed) {
		t.Errorf("check = %v", err)
	}
}

func TestDestroyedKeyDoesNotStayInMemory(t *testing.T) {
	s := newTestStore(t)
	id := newBuckets(t, s, 1)[0]
	var sl slot
	check(t, s.readSlot(id, &sl))
	key, err := s.unwrapSlot(s.slots, id, &sl)
	check(t, err)
	check(t, s.remember(s.slots, id, &cached{slot: sl, box: newBox(key)}))
	if len(s.cache) != 1 {
		t.Errorf("cache holds %d keys, want 1", len(s.cache))
	}
	check(t, s.Destroy(id))
	check(t, s.remember(s.slots, id, &cached{slot: sl, box: newBox(key)})) // by a reader who was overtaken by Destroy
	if len(s.cache) != 0 {
		t.Errorf("cache holds %d keys after the destruction", len(s.cache))
	}
}

// A write that the power cut short leaves some first bytes of the new slot over the old ones. Whatever
// the cut, the bucket is what it was, or what it was to be, or damaged: never something else.
func TestTornSlots(t *testing.T) {
	s := newTestStore(t)
	ids := newBuckets(t, s, 2)
	id := ids[0]
	aad := AAD{Record: 1}
	sealed := mustSeal(t, s, id, aad, []byte(talk))
	var live, dead, got slot
	check(t, s.readSlot(id, &live))
	dead = live
	s.entomb(s.slots, id, &dead, noon)

	for _, tt := range []struct {
		name           string
		before, during slot
		first, last    State
	}{
		{"while allocating", slot{}, live, Absent, Live},
		{"while destroying", live, dead, Live, Destroyed},
	} {
		for cut := range slotSize + 1 {
			torn := tt.before
			copy(torn[:cut], tt.during[:cut])
			_, err := s.slots.file.WriteAt(torn[:], int64(id)*slotSize)
			check(t, err)
			want := Damaged
			if torn == tt.before {
				want = tt.first
			} else if torn == tt.during {
				want = tt.last
			}
			for _, store := range []*Store{s, reopen(t, Options{Dir: s.dir})} {
				if st, err := store.State(id); st.State != want || err != nil {
					t.Fatalf("%s, %d bytes: %v, %v, want %v", tt.name, cut, st.State, err, want)
				}
				if _, err := store.Open(id, aad, sealed); (err == nil) != (want == Live) {
					t.Fatalf("%s, %d bytes: open = %v", tt.name, cut, err)
				}
			}
		}
	}

	torn := live
	torn[40] ^= 1
	_, err := s.slots.file.WriteAt(torn[:], int64(id)*slotSize)
	check(t, err)
	check(t, s.Destroy(id)) // a damaged slot can still be destroyed
	if st, _ := s.State(id); st.State != Destroyed || !st.CreatedAt.IsZero() {
		t.Errorf("damaged and destroyed: %v", st)
	}
	_, err = s.slots.file.WriteAt(live[:], int64(ids[1])*slotSize)
	check(t, err)
	check(t, s.readSlot(ids[1], &got))
	if st := s.slotState(ids[1], &got); st != Damaged {
		t.Errorf("a slot copied to another place is %v", st)
	}
}

func TestAllocationAfterACutOffTail(t *testing.T) {
	s := newTestStore(t)
	last := newBuckets(t, s, 3)[2]
	check(t, os.Truncate(s.path(slotsFile), int64(last)*slotSize+50))
	if st, _ := s.State(last); st.State != Damaged {
		t.Errorf("cut-off bucket is %v", st.State)
	}
	next := newBuckets(t, s, 1)[0]
	if next != last+1 {
		t.Errorf("next bucket = %d, want %d: an id is never used twice", next, last+1)
	}
	mustSeal(t, s, next, AAD{Record: 1}, nil)
	if _, err := s.Bucket(last); !errors.Is(err, ErrDamaged) {
		t.Errorf("cut-off bucket = %v", err)
	}
}
