package conversation

import "testing"

// FuzzToken reads any text as a place in a list: it is refused, or it is exactly what token writes
// for that place.
func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "x", "AAAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAF", position{id: 1}.token(false) + "\n", position{id: 1}.token(true), position{id: 1 << 62}.token(false)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, backward, err := parseToken(s)
		switch {
		case err != nil && (p != position{} || backward):
			t.Fatalf("refused, and still a place: %+v", p)
		case err == nil && s != "" && p.token(backward) != s:
			t.Fatalf("%q is another spelling of %q", s, p.token(backward))
		}
	})
}
