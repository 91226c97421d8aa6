package retention_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/id"
	"qingdang/models/retention"
)

const day = 24 * time.Hour

// types are spellings that a database and Go could read differently.
var types = []string{"咨询", "投诉", "投诉 ", " 投诉", "Order", "order", "\u00c9", "E\u0301", "😀", "%", "a_b", "' OR 1=1 --", "", " "}

// anyRules draws a policy: a rule for the others and some for service types.
func anyRules(rt *rapid.T) []retention.Rule {
	rules := []retention.Rule{anyRule(rt, "")}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(types[:12]), rapid.ID).Draw(rt, "types") {
		rules = append(rules, anyRule(rt, name))
	}
	return rules
}

func anyRule(rt *rapid.T, serviceType string) retention.Rule {
	return retention.Rule{
		ServiceType: serviceType, FloorDays: rapid.SampledFrom([]int{0, 1, 29, 183, 365, 366, 1095, 3650, 36500}).Draw(rt, "days"),
		Forever: rapid.IntRange(0, 5).Draw(rt, "forever") == 0,
	}
}

func policyOf(t interface {
	Helper()
	Fatal(args ...any)
}, rules ...retention.Rule,
) *retention.Policy {
	t.Helper()
	p, err := retention.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var made uint64

// talk stores the row of a conversation; what was said does not matter here.
func talk(serviceType string, lastAt time.Time) *conversation.Conversation {
	made++
	mac := sha256.Sum256(fmt.Append(nil, made))
	return &conversation.Conversation{
		ID: id.Conversation(made), Platform: "wechat", ExternalMAC: mac[:], DepartmentID: 1, ServiceType: serviceType, State: conversation.Active,
		StartedAt: lastAt, LastAt: lastAt, Messages: 1, Version: 1, ContentMAC: mac[:], CreatedAt: lastAt,
	}
}

// TestCountingAndDoingDecideAlike compares the condition that counts with the function that
// decides under lock, on real rows right at the edges.
func TestCountingAndDoingDecideAlike(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		rapid.Check(t, func(rt *rapid.T) {
			p := policyOf(rt, anyRules(rt)...)
			now := clock.Time().Add(time.Duration(rapid.Int64Range(-1e6, 1e6).Draw(rt, "µs")) * time.Microsecond)
			var rows []any
			want := map[id.Conversation]bool{}
			for range rapid.IntRange(1, 8).Draw(rt, "rows") {
				serviceType := rapid.SampledFrom(types).Draw(rt, "service type")
				days, _ := p.Floor(serviceType)
				edge := rapid.SampledFrom([]time.Duration{-day, -time.Second, -time.Microsecond, 0, time.Microsecond, time.Second, day}).Draw(rt, "edge")
				c := talk(serviceType, now.AddDate(0, 0, -days).Add(edge))
				rows = append(rows, c)
				want[c.ID] = p.Within(c.ServiceType, c.LastAt, now)
			}
			dbtest.Insert(t, d, rows...)
			defer dbtest.Exec(t, d, "DELETE FROM conversation")
			cond, args := p.Condition(now)
			for c, within := range want {
				if got := dbtest.Count(t, d, &conversation.Conversation{}, append([]any{"id = ? AND " + cond, c}, args...)...) == 1; got != within {
					rt.Fatalf("the condition says %v, Within says %v of %+v at %v", got, within, rows, now)
				}
			}
		})
	})
}

func TestTheEdgeOfAFloor(t *testing.T) {
	p := policyOf(t, retention.Rule{FloorDays: 183}, retention.Rule{ServiceType: "投诉", FloorDays: 365}, retention.Rule{ServiceType: "法律纠纷", Forever: true})
	leap := time.Date(2024, 2, 29, 15, 59, 59, 0, time.UTC)
	tests := []struct {
		name        string
		serviceType string
		age         time.Duration
		within      bool
	}{
		{"a second before the end it is kept", "咨询", 183*day - time.Second, true},
		{"at the end it may go", "咨询", 183 * day, false},
		{"a second after the end it may go", "咨询", 183*day + time.Second, false},
		{"a complaint is kept longer", "投诉", 183*day + time.Second, true},
		{"until its own end, also over a leap day", "投诉", 365*day - time.Second, true},
		{"and not after it", "投诉", 365 * day, false},
		{"a dispute is kept for ever", "法律纠纷", 80 * 365 * day, true},
		{"a message from the future is kept", "咨询", -time.Hour, true},
		{"blanks behind the service type do not shorten it", "投诉 ", 365*day - time.Second, true},
	}
	for _, tt := range tests {
		if got := p.Within(tt.serviceType, leap, leap.Add(tt.age)); got != tt.within {
			t.Errorf("%s: within = %v", tt.name, got)
		}
		until, ok := p.Until(tt.serviceType, leap)
		if kept := !ok || until.After(leap.Add(tt.age)); kept != tt.within {
			t.Errorf("%s: Until gives %v, %v", tt.name, until, ok)
		}
	}
}

func TestTheLongestFloorWinsAndAddingARuleNeverShortens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := anyRules(rt)
		before := policyOf(rt, rules...)
		more := anyRule(rt, rapid.SampledFrom(types).Draw(rt, "new type"))
		after := policyOf(rt, append(slices.Clone(rules), more)...)
		lastAt := dbtest.Start.AddDate(0, 0, -rapid.IntRange(0, 4000).Draw(rt, "age"))
		for _, serviceType := range types {
			was, mortal := before.Until(serviceType, lastAt)
			is, still := after.Until(serviceType, lastAt)
			if !mortal && still || mortal && still && is.Before(was) {
				rt.Fatalf("%q: kept until %v (%v) before the new rule %+v, until %v (%v) after it", serviceType, was, mortal, more, is, still)
			}
			if other, ends := before.Until("no rule of its own", lastAt); mortal && (!ends || was.Before(other)) {
				rt.Fatalf("%q is kept until %v, what has no rule until %v (%v)", serviceType, was, other, ends)
			}
		}
	})
}

func TestTheVersionChangesWithEveryFloor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := anyRules(rt)
		p := policyOf(rt, rules...)
		if policyOf(rt, rapid.Permutation(rules).Draw(rt, "order")...).Version != p.Version {
			rt.Fatal("the order of the rules changes the version")
		}
		other := slices.Clone(rules)
		i := rapid.IntRange(0, len(rules)-1).Draw(rt, "rule")
		switch rapid.IntRange(0, 2).Draw(rt, "change") {
		case 0:
			other[i].FloorDays = (other[i].FloorDays + 1) % 36500
		case 1:
			other[i].Forever = !other[i].Forever
		default:
			other = append(other, retention.Rule{ServiceType: "新的", FloorDays: 1})
		}
		if policyOf(rt, other...).Version == p.Version {
			rt.Fatalf("%+v and %+v have one version", rules, other)
		}
	})
}

func TestWithoutAWholePolicyNothingIsAnswered(t *testing.T) {
	tests := []struct {
		name  string
		spoil string
		want  string
	}{
		{"no rule for the others", "DELETE FROM retention_rule WHERE service_type = ''", "no retention rule"},
		{"no rule at all", "DELETE FROM retention_rule", "no retention rule"},
		{"a floor below zero", "UPDATE retention_rule SET floor_days = -1 WHERE service_type = '投诉'", "floor"},
		{"a floor beyond every calendar", "UPDATE retention_rule SET floor_days = 200000 WHERE service_type = '投诉'", "floor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
				load := func() (p *retention.Policy, err error) {
					err = d.Read(t.Context(), func(tx *db.Tx) error {
						p, err = retention.Load(tx)
						return err
					})
					return p, err
				}
				if p, err := load(); err != nil || !p.Within("投诉", dbtest.Start.Add(-364*day), dbtest.Start) {
					t.Fatalf("the policy of a new installation: %v", err)
				}
				dbtest.Exec(t, d, tt.spoil)
				if p, err := load(); p != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, %v; want an error about %q", p, err, tt.want)
				}
			})
		})
	}
}
