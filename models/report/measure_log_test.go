package report

import (
	"maps"
	"testing"
)

// One read of the log serves every table: an actor of two months and departments is counted in each, and once
// as an actor.
func TestTheLogIsReadOnceForAllTables(t *testing.T) {
	one := func(actor, department, month string, counts ...int64) cell {
		return cell{by: map[string]string{byPerson: actor, byRole: "agent", byDepartment: department, byMonth: month}, counts: counts, newest: counts[0] * 10}
	}
	l := &cube{keys: []string{"opened", "actors"}, cells: []cell{one("7", "1", "0", 3, 4), one("7", "2", "1", 5, 6), one("8", "1", "1", 0, 2)}}
	opened, actors := measure{key: "opened", value: "COUNT(*)"}, measure{key: "actors", value: distinctActors}
	for _, tt := range []struct {
		m    measure
		dim  string
		want map[string]int64
	}{
		{opened, "", map[string]int64{"": 8}},
		{opened, byPerson, map[string]int64{"7": 8}},
		{opened, byMonth, map[string]int64{"0": 3, "1": 5}},
		{actors, "", map[string]int64{"": 2}},
		{actors, byRole, map[string]int64{"agent": 2}},
		{actors, byDepartment, map[string]int64{"1": 2, "2": 1}},
	} {
		if got, known := l.divided(tt.m, tt.dim); !known || !maps.Equal(got, tt.want) {
			t.Errorf("%s by %q: %v, want %v", tt.m.key, tt.dim, got, tt.want)
		}
	}
	if _, known := l.divided(measure{key: "searches"}, ""); known {
		t.Error("what was not read is known")
	}
	var none *cube
	if _, known := none.divided(opened, ""); known {
		t.Error("what was not read is known")
	}
}
