// Package fsck owns the oracles: checks that read the database and the key store alone and say
// whether a promise of INVARIANTS was broken. They change nothing, but for what is wrong in the search index,
// which the nightly check notes to be taken in anew. Tests run them at their
// end, operators at night.
package fsck

import (
	"context"
	"fmt"
	"log/slog"

	"qingdang/models/audit"
	"qingdang/models/conversation"
	"qingdang/models/db"
	"qingdang/models/index"
	"qingdang/models/purge"
	"qingdang/models/seal"
	"qingdang/models/words"
)

// Finding is one broken promise. Key is a sentence of the catalogue, Object names what it is
// about, never any text of a conversation.
type Finding struct {
	Promise string
	Key     string
	Object  string
}

// String is the finding for logs and test failures.
func (f Finding) String() string { return fmt.Sprintf("%s %s %s", f.Promise, f.Key, f.Object) }

// Checker looks at one installation.
type Checker struct {
	DB    *db.DB
	Store *seal.Store
	Log   *audit.Log
	// Ledger is the outside ledger of purges; nil: there is none to compare with.
	Ledger *purge.Ledger
	// Index is the search index; nil: only its keys are looked at.
	Index *index.Index
	// Sensitive are the words to look out for; nil: the usual ones.
	Sensitive *words.List
}

func (c *Checker) vault() conversation.Vault {
	return conversation.Vault{Store: c.Store, Sensitive: c.Sensitive}
}

// Report says how many checks ran and what they found. Findings of one check stop at
// perCheck.
type Report struct {
	Checks   int
	Findings []Finding
	Compared Compared // by Words
}

// perCheck is how many findings of one kind are told; the first few are enough to act.
const perCheck = 20

// oracle is one check inside a read-only transaction.
type oracle struct {
	promise string
	run     func(c *Checker, tx *db.Tx) ([]Finding, error)
}

// walk is a check that reads page by page, in transactions of its own.
type walk struct {
	promise string
	run     func(context.Context) ([]Finding, error)
}

// Run runs every oracle. Deep opens every body too, which takes about 30 µs each.
func (c *Checker) Run(ctx context.Context, deep bool) (*Report, error) {
	r := &Report{}
	for _, w := range c.walks(deep) {
		found, err := c.look(ctx, w)
		if err != nil {
			return nil, err
		}
		r.Checks++
		r.Findings = append(r.Findings, found...)
	}
	return r, nil
}

// walks are all checks, each as one that opens its own transactions.
func (c *Checker) walks(deep bool) (all []walk) {
	for _, o := range append(append([]oracle{}, rowOracles...), otherOracles...) {
		all = append(all, walk{o.promise, func(ctx context.Context) (found []Finding, err error) {
			err = c.DB.Read(ctx, func(tx *db.Tx) (err error) {
				found, err = o.run(c, tx)
				return err
			})
			return found, err
		}})
	}
	all = append(all, walk{"I6", c.chain})
	if c.Ledger != nil {
		all = append(all, walk{"I15", c.outside(deep)})
	}
	if deep {
		all = append(all, walk{"I5", c.bodiesOpen}, walk{"I9", c.erasedReached})
		if c.Index != nil {
			all = append(all, walk{"I5", c.indexSound})
		}
	}
	return all
}

// look makes one check, and tries once more if it cannot be made. If it cannot then either, that is a finding: whoever
// makes one check stumble over what they wrote must not silence the others. A database that is away is none.
func (c *Checker) look(ctx context.Context, w walk) (found []Finding, err error) {
	for range 2 {
		found, err = w.run(ctx)
		switch {
		case err == nil:
			return found, nil
		case ctx.Err() != nil, c.DB.Unavailable(err):
			return nil, fmt.Errorf("fsck %s: %w", w.promise, err)
		}
	}
	slog.ErrorContext(ctx, "a check of the data could not be made", "promise", w.promise, "error", err)
	return []Finding{{w.promise, "fsck.check_failed", w.promise}}, nil
}

// chain checks the audit log leaf by leaf.
func (c *Checker) chain(ctx context.Context) ([]Finding, error) {
	res, err := c.Log.Check(ctx, true)
	if err != nil {
		return nil, err
	}
	if res.OK {
		return nil, nil
	}
	return []Finding{{"I6", "fsck.log_" + res.What, fmt.Sprint(res.FirstBad)}}, nil
}

// rows makes an oracle of a query that gives the objects that break the promise, as one
// column of text or numbers.
func rows(promise, key, query string, args ...any) oracle {
	return oracle{promise, func(_ *Checker, tx *db.Tx) ([]Finding, error) {
		var objects []string
		if err := tx.Raw(query+fmt.Sprintf(" LIMIT %d", perCheck), args...).Scan(&objects).Error; err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		var out []Finding
		for _, o := range objects {
			out = append(out, Finding{promise, key, o})
		}
		return out, nil
	}}
}
