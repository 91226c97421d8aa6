package fsck

import (
	"testing"
	"time"
)

// Every segment has its turn once in thirty nights, and nights that were missed are made up for.
func TestEverySegmentHasItsNight(t *testing.T) {
	start := time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	night := func(n int) time.Time { return start.AddDate(0, 0, n) }
	for segment := range uint64(64) {
		turns := 0
		for n := range wordDays {
			if sliceSince(night(n), night(n+1))(segment) {
				turns++
			}
		}
		if turns != 1 {
			t.Errorf("segment %d comes up %d times in %d nights", segment, turns, wordDays)
		}
		if sliceSince(night(4), night(4).Add(time.Hour))(segment) {
			t.Errorf("segment %d comes up twice a day", segment)
		}
		once := 0
		for n := 0; n < wordDays; n += 5 { // four nights of five nobody worked
			if sliceSince(night(n), night(n+5))(segment) {
				once++
			}
		}
		if once != 1 || !sliceSince(time.Time{}, night(0))(segment) || !sliceSince(night(0), night(300))(segment) {
			t.Errorf("segment %d is passed over, or comes up %d times", segment, once)
		}
	}
}
