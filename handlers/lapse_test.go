package handlers_test

import (
	"testing"

	"qingdang/models/approval"
	"qingdang/templates/locale"
)

// Why something lapsed is told in words of its own: a vote that somebody took away is no vote that
// came too late.
func TestEveryReasonOfALapseHasItsWords(t *testing.T) {
	broken := []string{
		approval.BrokenState, approval.BrokenSubject, approval.BrokenVotes, approval.BrokenForged, approval.BrokenExpired, approval.BrokenPeople, approval.BrokenInactive,
	}
	for area, own := range map[string][]string{"purge": {"votes", "confirm", "superseded", "forged", "manifest", "policy", "hold"}, "hold": {"vote", "forged"}} {
		for _, reason := range append(own, broken...) {
			if key := area + ".lapse_" + reason; !locale.Has(key) {
				t.Errorf("%s has no words", key)
			}
		}
		if own[0] == approval.BrokenVotes {
			t.Errorf("%s: a broken consent and a late one have the same words", area)
		}
	}
}
