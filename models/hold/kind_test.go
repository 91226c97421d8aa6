package hold_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"qingdang/models/account"
	"qingdang/models/account/accounttest"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/db/dbtest"
	"qingdang/models/fault"
	"qingdang/models/hold"
	"qingdang/models/id"
)

// chat is one conversation to be stored; zero fields are the usual ones. Two of one name are one
// conversation.
type chat struct {
	name, class, platform, agent, customer string
	dep                                    id.Department
	tags                                   []string
	at                                     []time.Time // of its messages
}

func (w *world) chat(c chat) conversation.New {
	n := w.news(w.city)
	if c.name != "" {
		n.Document.ExternalID = c.name
	}
	if c.dep != 0 {
		n.DepartmentID = c.dep
	}
	if c.class != "" {
		n.ServiceType = c.class
	}
	if c.platform != "" {
		n.Platform = c.platform
	}
	if c.customer != "" {
		n.Document.CustomerID = c.customer
	}
	n.AgentID, n.Tags = c.agent, c.tags
	for i, at := range c.at {
		said := conversation.Message{ID: fmt.Sprint(i), Sender: conversation.FromCustomer, At: conversation.MicrosOf(at), Kind: "text", Text: "在吗"}
		n.Document.Messages = append(n.Document.Messages[:i], said)
	}
	return n
}

func (w *world) bring(chats ...chat) []id.Conversation {
	w.t.Helper()
	var news []conversation.New
	for _, c := range chats {
		news = append(news, w.chat(c))
	}
	return w.storeNews(news)
}

// kind is a kind of hold with a conversation that matches and one that does not; the name makes
// what matches one of its own.
type kind struct {
	name    string
	order   func(w *world, name string) hold.Order
	in, out func(w *world, name string) chat
	grows   func(w *world, name string) (before, after chat) // the second matches by what it adds
}

var before2022 = []time.Time{old}

func kinds() []kind {
	july := time.Date(2022, 7, 1, 0, 0, 0, 0, time.UTC)
	other := func(*world, string) chat { return chat{} }
	return []kind{
		{
			name:  "a department",
			order: func(w *world, n string) hold.Order { return hold.Order{Department: w.department("集团/" + n)} },
			in:    func(w *world, n string) chat { return chat{dep: w.department("集团/" + n)} },
			out:   func(w *world, n string) chat { return chat{dep: w.department("集团/" + n + "/下级")} },
		}, {
			name: "a department and what is below",
			order: func(w *world, n string) hold.Order {
				return hold.Order{Department: w.department("集团/" + n), Sub: true}
			},
			in:  func(w *world, n string) chat { return chat{dep: w.department("集团/" + n + "/下级")} },
			out: other,
		}, {
			name: "customers",
			order: func(_ *world, n string) hold.Order {
				return hold.Order{Kind: hold.OnCustomers, Customers: []string{" kh_" + n, "kh_nobody"}}
			},
			in:  func(_ *world, n string) chat { return chat{customer: "kh_" + n} },
			out: other,
		}, {
			name: "customers on one platform",
			order: func(_ *world, n string) hold.Order {
				return hold.Order{Kind: hold.OnCustomers, Customers: []string{"kh_" + n}, Criteria: hold.Criteria{Platforms: []string{"wechat"}}}
			},
			in:  func(_ *world, n string) chat { return chat{customer: "kh_" + n, platform: "wechat"} },
			out: func(_ *world, n string) chat { return chat{customer: "kh_" + n} },
		}, {
			name: "agents",
			order: func(_ *world, n string) hold.Order {
				return hold.Order{Kind: hold.OnAgents, Criteria: hold.Criteria{Agents: []string{"a_" + n, "a_nobody"}}}
			},
			in:  func(_ *world, n string) chat { return chat{agent: "a_" + n} },
			out: other,
		}, {
			name: "a query by tag and class",
			order: func(_ *world, n string) hold.Order {
				return hold.Order{Kind: hold.OnQuery, Criteria: hold.Criteria{Tags: []string{"t_" + n}, ServiceTypes: []string{"交易", "投诉"}}}
			},
			in:  func(_ *world, n string) chat { return chat{class: "交易", tags: []string{"对公", "t_" + n}} },
			out: func(_ *world, n string) chat { return chat{tags: []string{"t_" + n}} },
			grows: func(_ *world, n string) (chat, chat) {
				return chat{name: n, class: "投诉"}, chat{name: n, class: "投诉", tags: []string{"t_" + n}}
			},
		}, {
			name: "a query by department and time",
			order: func(w *world, n string) hold.Order {
				return hold.Order{Kind: hold.OnQuery, Criteria: hold.Criteria{Departments: []id.Department{w.department("集团/" + n)}, Sub: true, From: july, To: july.Add(time.Hour)}}
			},
			in: func(w *world, n string) chat {
				return chat{dep: w.department("集团/" + n + "/下级"), at: []time.Time{old, july}}
			},
			out: func(w *world, n string) chat {
				return chat{dep: w.department("集团/" + n), at: []time.Time{july.Add(time.Hour)}}
			},
			grows: func(w *world, n string) (chat, chat) {
				d := w.department("集团/" + n)
				return chat{name: n, dep: d, at: before2022}, chat{name: n, dep: d, at: []time.Time{old, july.Add(time.Hour - time.Microsecond)}}
			},
		},
	}
}

func TestEachKindCoversWhatItSaysNowAndLater(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		round := 0
		for _, k := range kinds() {
			for _, fixed := range []bool{false, true} {
				round++
				t.Run(fmt.Sprintf("%s, fixed %v", k.name, fixed), func(t *testing.T) {
					k.play(t, w, fmt.Sprint("k", round), fixed)
				})
			}
		}
	})
}

// play places a hold of the kind over conversations in every place, and lets more come.
func (k kind) play(t *testing.T, w *world, name string, fixed bool) {
	already := w.covered()
	in, out := k.in(w, name), k.out(w, name)
	there := w.bring(in, in, in, out, out)
	dbtest.Exec(t, w.d, "UPDATE conversation SET state = ? WHERE id = ?", conversation.Hidden, there[1])
	w.everywhere()
	w.discard(there[1], there[2], there[4])
	var grown []id.Conversation
	if k.grows != nil {
		before, _ := k.grows(w, name)
		grown = w.bring(before)
		w.everywhere()
		w.discard(grown...)
	}
	o := k.order(w, name)
	o.Fixed = fixed
	counts, err := w.holds.Preview(w.ctx(), w.legal, o)
	w.must(err)
	if counts.Active != 1 || counts.Hidden != 0 || counts.Binned != 2 || counts.OnList != 0 || counts.Messages < 3 {
		t.Errorf("the preview counts %+v", counts)
	}
	shown := counts.Total()
	o.Shown = &shown
	h := w.place(o)
	want := append(slices.Clone(already), there[:3]...)
	w.wantCovered(want...)
	w.wantState(conversation.Active, there[0], there[2])
	w.wantState(conversation.Hidden, there[1])
	w.wantState(conversation.Binned, append(grown, there[4])...)
	w.wantLeaf(h, 3)
	later := w.bring(in, out)
	if !fixed {
		want = append(want, later[0])
	}
	if k.grows != nil {
		_, after := k.grows(w, name)
		if again := w.bring(after); again[0] != grown[0] {
			t.Fatal("the import made another conversation of it")
		}
		if fixed {
			w.wantState(conversation.Binned, grown...)
		} else {
			want = append(want, grown...)
			w.wantState(conversation.Active, grown...)
		}
	}
	w.wantCovered(want...)
	d, err := w.holds.Get(w.ctx(), w.legal, h.ID)
	w.must(err)
	if d.Scope.Continuing == fixed || d.Scope.Kind != h.Kind || d.Conversations != d.Counts.Total() || d.Counts.Hidden != 1 || d.Status != hold.InForce {
		t.Errorf("the hold reads %+v", d)
	}
}

// everywhere lets the supervisor act in every department that there is by now.
func (w *world) everywhere() { w.supervisor.Scope = account.Everywhere() }

func TestAMatchOnceCoveredStaysCovered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		july := time.Date(2022, 7, 1, 0, 0, 0, 0, time.UTC)
		h := hold.Order{Kind: hold.OnQuery, Criteria: hold.Criteria{Platforms: []string{"wechat"}, WithoutTags: []string{"结案"}, To: july}}
		ids := w.bring(chat{name: "a", platform: "wechat"}, chat{name: "b", platform: "wechat", tags: []string{"结案"}})
		w.place(h)
		w.wantCovered(ids[0])
		w.bring(chat{name: "a", platform: "wechat", tags: []string{"结案"}, at: []time.Time{old, july}})
		w.wantCovered(ids[0])
	})
}

func TestACustomerIsNowhereInClear(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.place(hold.Order{Kind: hold.OnCustomers, Customers: []string{"tb_李雷", "tb_韩梅梅", " tb_李雷 "}})
		var rows []struct{ CustomerMAC, Sealed []byte }
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Raw("SELECT customer_mac, sealed FROM hold_customer WHERE hold_id = ?", h.ID).Scan(&rows).Error
		}))
		if len(rows) != 2 {
			t.Fatalf("%d customers are stored", len(rows))
		}
		for _, r := range rows {
			if slices.Contains([]string{"tb_李雷", "tb_韩梅梅"}, string(r.Sealed)) || len(r.CustomerMAC) != 32 {
				t.Errorf("a customer is stored as %q", r.Sealed)
			}
		}
		var leaf []string
		w.must(w.d.Read(w.ctx(), func(tx *db.Tx) error {
			return tx.Table("audit_leaf").Where("action = 'hold.placed'").Pluck("leaf", &leaf).Error
		}))
		if len(leaf) != 1 || h.Criteria == "" || len(leaf[0]) == 0 {
			t.Fatalf("leaf %q, criteria %q", leaf, h.Criteria)
		}
		for _, s := range []string{leaf[0], h.Criteria, h.Name} {
			if slices.ContainsFunc([]string{"李雷", "韩梅梅"}, func(n string) bool { return contains(s, n) }) {
				t.Errorf("a customer is in %q", s)
			}
		}
		got, err := w.holds.Customers(w.ctx(), w.legal, h.ID)
		if err != nil || !slices.Equal(got, []string{"tb_李雷", "tb_韩梅梅"}) {
			t.Errorf("legal reads %v, %v", got, err)
		}
		if n := w.leaves("hold.viewed", h.Code); n != 1 {
			t.Errorf("%d entries say that somebody looked", n)
		}
		for _, role := range []account.Role{account.Agent, account.Supervisor, account.Auditor, account.Admin} {
			if _, err := w.holds.Customers(w.ctx(), accounttest.Actor(role, w.city), h.ID); fault.KindOf(err) != fault.KindForbidden {
				t.Errorf("%s reads the customers: %v", role, err)
			}
		}
	})
}

func TestAHoldOfLegalOfSomeDepartmentsReachesNoFurther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.bring(chat{agent: "a1", dep: w.north}, chat{agent: "a1", dep: w.city})
		local := w.legal
		local.Scope = account.Within(w.city, w.east)
		order := hold.Order{Name: "x", Reason: reason, Kind: hold.OnAgents, Criteria: hold.Criteria{Agents: []string{"a1"}}}
		h, err := w.holds.Place(w.ctx(), local, order)
		w.must(err)
		w.wantCovered(ids[1])
		later := w.bring(chat{agent: "a1", dep: w.north}, chat{agent: "a1", dep: w.east})
		w.wantCovered(ids[1], later[1])
		d, err := w.holds.Get(w.ctx(), local, h.ID)
		if err != nil || !d.Scope.Limited {
			t.Errorf("its page: %+v, %v", d, err)
		}
		order.Criteria = hold.Criteria{Agents: []string{"a1"}, Departments: []id.Department{w.north}}
		if _, err := w.holds.Place(w.ctx(), local, order); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("a department outside the scope: %v", err)
		}
		// Somebody else of legal, of one of the two departments, does not see it; of both, does.
		for _, see := range []bool{false, true} {
			other := w.second
			other.Scope = account.Within(w.city)
			if see {
				other.Scope = account.Within(w.city, w.east, w.root)
			}
			_, err := w.holds.Get(w.ctx(), other, h.ID)
			p, lerr := w.holds.List(w.ctx(), other, hold.Query{})
			w.must(lerr)
			if see != (err == nil) || !see && fault.KindOf(err) != fault.KindNotFound || see != (p.All == 1) {
				t.Errorf("seen %v, %d in the list, want %v", err, p.All, see)
			}
			if _, err := w.holds.RequestRelease(w.ctx(), other, h.ID, reason); !see && fault.KindOf(err) != fault.KindNotFound {
				t.Errorf("who does not see it asked for its release: %v", err)
			}
		}
	})
}

func TestTheCountShownIsTheCountHeld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.store(w.city, w.city)
		one, two, three := int64(1), int64(2), int64(3)
		for _, wrong := range []*int64{&one, &three} {
			_, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "x", Reason: reason, Department: w.city, Fixed: true, Shown: wrong})
			if f, ok := fault.Of(err); !ok || f.Kind != fault.KindConflict || f.Key != "hold.count_changed" || fmt.Sprint(f.Args...) != fmt.Sprint(*wrong, two) {
				t.Errorf("shown %d: %v", *wrong, err)
			}
		}
		w.wantCovered()
		_, err := w.holds.Place(w.ctx(), w.legal, hold.Order{Name: "x", Reason: reason, Department: w.north, Fixed: true})
		if f, _ := fault.Of(err); f == nil || f.Key != "hold.nothing_matches" {
			t.Errorf("a fixed hold on nothing: %v", err)
		}
		// One that continues takes what it finds.
		w.place(hold.Order{Department: w.city, Shown: &three})
		w.place(hold.Order{Department: w.north, Shown: &three})
		if n := len(w.covered()); n != 2 {
			t.Errorf("%d are covered", n)
		}
	})
}

func TestAFormSentTwicePlacesOneHold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := hold.Order{Key: "form-1", Name: "x", Reason: reason, Department: w.city}
		first, err := w.holds.Place(w.ctx(), w.legal, o)
		w.must(err)
		second, err := w.holds.Place(w.ctx(), w.legal, o)
		if err != nil || second.ID != first.ID || dbtest.Count(t, w.d, &hold.Hold{}) != 1 {
			t.Errorf("the second submit gave %+v, %v", second, err)
		}
		if _, err := w.holds.Place(w.ctx(), w.second, o); fault.KindOf(err) != fault.KindInvalid {
			t.Errorf("somebody else's form: %v", err)
		}
	})
}

// TestNothingSlipsPastAHoldThatIsBeingPlaced lets imports, and what they add to conversations
// that are there, loose together with a hold of each kind: whoever came first, everything that
// matches ends up covered.
func TestNothingSlipsPastAHoldThatIsBeingPlaced(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, k := range kinds() {
			for i := range 12 {
				name := fmt.Sprint("r", i, "_", k.name)
				in, o := k.in(w, name), k.order(w, name)
				o.Name, o.Reason = "x", reason
				come, want := []chat{in, in}, int64(3)
				w.bring(in)
				if k.grows != nil {
					before, after := k.grows(w, name)
					w.bring(before)
					come, want = append(come, after), 4
				}
				news := make([]conversation.New, len(come))
				for i, c := range come {
					news[i] = w.chat(c)
				}
				var h *hold.Hold
				var wg sync.WaitGroup
				var err error
				wg.Go(func() { h, err = w.holds.Place(w.ctx(), w.legal, o) })
				wg.Go(func() { w.storeNews(news) })
				wg.Wait()
				w.must(err)
				if n := dbtest.Count(t, w.d, &hold.Item{}, "hold_id = ?", h.ID); n != want {
					t.Fatalf("%s, round %d: %d are covered, want %d", k.name, i, n, want)
				}
			}
		}
	})
}
