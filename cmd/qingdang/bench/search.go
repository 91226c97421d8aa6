package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/department"
)

// SearchOptions are what bench search is asked for.
type SearchOptions struct {
	DSN           string // of a server, with rights to create databases
	Conversations int
	Words         int    // of each class
	Rounds        int    // how often each question is asked
	From          string // a file that ../shared/data/gen wrote; empty: made-up conversations
	Without       []string
	Keep          bool // leave the databases there
	Progress      io.Writer
}

func (o SearchOptions) say(format string, args ...any) { fmt.Fprintf(o.Progress, format+"\n", args...) }

// A candidate that has had this long for a class gives up its further turns: it is slow enough.
const patience = 4 * time.Second

// candidate is somebody who answers questions.
type candidate struct {
	name string
	ask  func(context.Context, *question) (answer, error)
}

// Search measures the console's search on one database against LIKE, InnoDB's FULLTEXT and Mroonga
// on plaintext copies and against plain SQL on the rows, question by question in turn, and
// holds that all give the same answers.
func Search(ctx context.Context, o SearchOptions) (rep *SearchReport, err error) {
	s, end, err := begin(ctx, o.DSN)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	rep = &SearchReport{Server: s.version, Conversations: o.Conversations, At: time.Now().UTC().Truncate(time.Second)}
	if !o.Keep {
		defer func() { err = errors.Join(err, s.drop(context.WithoutCancel(ctx), "search")) }()
	}
	if err := s.fresh(ctx, "search"); err != nil {
		return nil, err
	}
	a, err := openSite(ctx, s.settings("search"), s.dir)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	b := &searchBench{o: o, site: a, rep: rep, random: rand.New(rand.NewPCG(uint64(o.Conversations), 3))}
	if b.plain, err = newPlain(ctx, s, slices.DeleteFunc(textPeers(), func(p *textPeer) bool { return slices.Contains(o.Without, p.name) })); err != nil {
		return nil, err
	}
	if !o.Keep {
		defer func() { err = errors.Join(err, b.plain.drop(context.WithoutCancel(ctx))) }()
	}
	for _, step := range []func(context.Context) error{b.fill, b.build, b.askWords, b.askMixes, b.measureSpace} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return rep, nil
}

type searchBench struct {
	o      SearchOptions
	site   *site
	plain  *plain
	shape  Shape
	census *census
	orders []*word // numbers of orders that were spoken of
	by     account.Actor
	random *rand.Rand
	rep    *SearchReport
}

// fill stores the conversations, sealed in the product's tables and in the clear in the peers'.
func (b *searchBench) fill(ctx context.Context) (err error) {
	if err := b.site.people(ctx); err != nil {
		return err
	}
	b.shape = Shape{Conversations: b.o.Conversations, Seed: 1}.orUsual(time.Now())
	first, err := newCorpus(b.shape, b.o.From)
	if err != nil {
		return err
	}
	b.census = newCensus(first, b.o.Conversations, b.random)
	if err := first.Close(); err != nil {
		return err
	}
	all, err := newCorpus(b.shape, b.o.From)
	if err != nil {
		return err
	}
	shape := b.shape
	shape.next = all.next
	var tree *department.Tree // Fill makes it before it stores
	shape.stored = func(batch []conversation.New, as []conversation.Outcome) (err error) {
		if tree == nil {
			if tree, err = b.site.departments.Tree(ctx); err != nil {
				return err
			}
		}
		for i := range batch {
			b.count(&batch[i], i == 0)
		}
		return b.plain.insert(ctx, batch, as, tree.Division)
	}
	from := time.Now()
	if err := errors.Join(Fill(ctx, b.site.db, b.site.vault, shape), all.Close()); err != nil {
		return err
	}
	took := time.Since(from)
	b.rep.FillRate = float64(b.o.Conversations) / took.Seconds()
	b.o.say("filled with %d conversations and their plaintext copy, %.0f a second", b.o.Conversations, b.rep.FillRate)
	people, err := b.site.cast(ctx)
	b.by = people.Supervisor
	return err
}

// count takes a conversation into the census.
func (b *searchBench) count(n *conversation.New, keep bool) {
	texts := spoken(&n.Document)
	b.census.add(texts, false)
	if number := n.Document.OrderNo; keep && slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, number) }) {
		b.census.Lock()
		defer b.census.Unlock()
		b.orders = append(b.orders, &word{text: number, n: 1})
	}
}

// build makes the indexes of all.
func (b *searchBench) build(ctx context.Context) error {
	from := time.Now()
	most, err := memory(ctx, func(ctx context.Context) error {
		done, err := b.site.index.Fold(ctx)
		b.rep.Index.Docs, b.rep.Index.Merged = done.Docs, done.Merged
		return err
	})
	if err != nil {
		return err
	}
	b.rep.Index.Rate, b.rep.Index.BuildMemory = float64(b.o.Conversations)/time.Since(from).Seconds(), most
	b.o.say("our index: %.0f conversations a second, merging with it, %.0f MB of memory, %d documents", b.rep.Index.Rate, most, b.rep.Index.Docs)
	missing, err := b.plain.build(ctx, b.o.say)
	if err != nil {
		return err
	}
	b.rep.Missing = missing
	for _, p := range b.plain.peers {
		b.rep.Peers = append(b.rep.Peers, PeerReport{Name: p.name, What: p.note, Built: p.built.Seconds(), Bytes: float64(p.bytes) / float64(b.o.Conversations)})
	}
	return nil
}

// askWords asks for rare, medium and common words of two and four characters, and for orders.
func (b *searchBench) askWords(ctx context.Context) error {
	a, err := newAsker(ctx, b.site, b.shape, b.random)
	if err != nil {
		return err
	}
	candidates := []candidate{b.ours()}
	for _, p := range b.plain.peers {
		candidates = append(candidates, candidate{p.name, func(ctx context.Context, q *question) (answer, error) { return b.plain.find(ctx, p, q) }})
	}
	for _, length := range wordLengths {
		for c, rarity := range rarities {
			list := b.census.pick(c, length, b.o.Words, b.random)
			for _, n := range narrowings {
				if err := b.measure(ctx, class{fmt.Sprintf("%d %s, %s", length, rarity.name, n), a.wordQuestions(list, b.census.total, n)}, candidates); err != nil {
					return err
				}
			}
		}
	}
	b.random.Shuffle(len(b.orders), func(i, j int) { b.orders[i], b.orders[j] = b.orders[j], b.orders[i] })
	return b.measure(ctx, class{"order number, none", a.wordQuestions(b.orders[:min(len(b.orders), b.o.Words)], b.census.total, narrowings[0])}, candidates)
}

func (b *searchBench) ours() candidate {
	return candidate{oursName, func(ctx context.Context, q *question) (answer, error) {
		return search(ctx, b.site.conversations, b.by, q)
	}}
}

// askMixes asks for pages, counts and histograms by filters alone.
func (b *searchBench) askMixes(ctx context.Context) error {
	a, err := newAsker(ctx, b.site, b.shape, b.random)
	if err != nil {
		return err
	}
	plain := &conversation.Conversations{DB: b.site.db, Vault: b.site.vault}
	withoutIndex := candidate{rowsName, func(ctx context.Context, q *question) (answer, error) { return search(ctx, plain, b.by, q) }}
	candidates := []candidate{b.ours(), withoutIndex, {"SQL", b.site.rows}}
	for _, of := range []struct {
		name string
		sort sort
	}{{"page", page}, {"deep page", deepPage}, {"count", count}} {
		for i, m := range mixes {
			qs := a.mixQuestions(i, b.o.Words, of.sort)
			for j := range qs {
				if of.sort == deepPage {
					if err := b.site.descend(ctx, b.by, &qs[j]); err != nil {
						return err
					}
				}
			}
			if err := b.measure(ctx, class{of.name + " " + m.name, qs}, candidates); err != nil {
				return err
			}
		}
	}
	return b.measure(ctx, class{"histogram of a year, division", a.histogramQuestions(b.o.Words)}, []candidate{candidates[0], candidates[2]})
}

// measure asks each question in turn of all candidates, in another order each time. The first pass
// warms up and is not counted.
func (b *searchBench) measure(ctx context.Context, c class, candidates []candidate) error {
	if len(c.questions) == 0 {
		return nil
	}
	took := make([][]time.Duration, len(candidates))
	spent := make([]time.Duration, len(candidates))
	part := make([][]time.Duration, len(candidates))
	opened, rough := 0, 0
	for round := range b.o.Rounds + 1 {
		for i := range c.questions {
			var want answer
			var first string
			for turn := range candidates {
				n := (turn + round + i) % len(candidates)
				if spent[n] > patience {
					continue
				}
				from := time.Now()
				got, err := candidates[n].ask(ctx, &c.questions[i])
				if err != nil {
					return fmt.Errorf("%s: %s: %w", c.name, candidates[n].name, err)
				}
				t := time.Since(from)
				if spent[n] += t; round > 0 || spent[n] > patience {
					took[n] = append(took[n], t)
					opened += got.opened
					if got.rough {
						rough++
					}
					if got.part > 0 {
						part[n] = append(part[n], got.part)
					}
				}
				if first == "" {
					want, first = got, candidates[n].name
				} else if !got.equal(want) {
					return fmt.Errorf("%s, question %d: %s and %s differ: a page of %d of %d and of %d of %d", c.name, i+1, first, candidates[n].name, len(want.ids), want.n, len(got.ids), got.n)
				}
			}
		}
	}
	r := ClassReport{Name: c.name, Times: map[string]Quantiles{}, Parts: map[string]Quantiles{}}
	for _, q := range c.questions {
		r.Share += q.share / float64(len(c.questions))
	}
	for n := range candidates {
		r.Times[candidates[n].name] = quantiles(took[n])
		if len(part[n]) > 0 {
			r.Parts[candidates[n].name] = quantiles(part[n])
		}
	}
	r.Opened, r.Rough = float64(opened)/float64(max(1, len(took[0]))), rough
	b.rep.Classes = append(b.rep.Classes, r)
	b.o.say("%s", &r)
	return nil
}

// measureSpace tells what the console's index takes.
func (b *searchBench) measureSpace(ctx context.Context) error {
	r := &b.rep.Index
	r.Memory = resident()
	n := float64(b.o.Conversations)
	own := b.plain.server.own + "search"
	var payload, disk, bodies float64
	if err := b.plain.server.pool.QueryRowContext(ctx, "SELECT SUM(LENGTH(body) + LENGTH(wrapped)) FROM "+own+".index_part").Scan(&payload); err != nil {
		return err
	}
	size := "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = ? AND table_name "
	if err := b.plain.server.pool.QueryRowContext(ctx, size+"LIKE 'index\\_%'", own).Scan(&disk); err != nil {
		return err
	}
	if err := b.plain.server.pool.QueryRowContext(ctx, size+"= 'conversation_body'", own).Scan(&bodies); err != nil {
		return err
	}
	r.Payload, r.Disk, r.Bodies = payload/n, disk/n, bodies/n
	return nil
}
