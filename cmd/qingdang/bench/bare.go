package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// bare deletes the rows of a purge and does nothing else, in the way that takes this server least time: two
// connections at once, a statement for each table and 1,000 conversations that joins with the list. No purge of
// the same rows can be faster than about that, whatever it leaves out.
func (s *server) bare(ctx context.Context, name string) (took time.Duration, err error) {
	ids, err := s.listed(ctx, name)
	if err != nil {
		return 0, err
	}
	parts := make(chan []uint64)
	errs := make([]error, 2)
	from := time.Now()
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for part := range parts {
				errs[i] = errors.Join(errs[i], s.deleteListed(ctx, name, part[0], part[len(part)-1]))
			}
		})
	}
	for part := range slices.Chunk(ids, 1000) {
		parts <- part
	}
	close(parts)
	all.Wait()
	return time.Since(from), errors.Join(errs...)
}

// listed gives what the copied manifest names, in ascending order.
func (s *server) listed(ctx context.Context, name string) (ids []uint64, err error) {
	rows, err := s.pool.QueryContext(ctx, fmt.Sprintf("SELECT id FROM %s%s.%s ORDER BY id", s.own, name, manifest))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c uint64
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		ids = append(ids, c)
	}
	return ids, rows.Err()
}

// deleteListed deletes what the manifest names from one conversation to another, in one transaction.
func (s *server) deleteListed(ctx context.Context, name string, first, last uint64) error {
	tx, err := s.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	for _, t := range purged {
		q := fmt.Sprintf("DELETE %[1]s%[2]s.%[4]s FROM %[1]s%[2]s.%[3]s m STRAIGHT_JOIN %[1]s%[2]s.%[4]s ON %[4]s.%[5]s = m.id WHERE m.id BETWEEN ? AND ?", s.own, name, manifest, t.name, t.key)
		if _, err := tx.ExecContext(ctx, q, first, last); err != nil {
			return errors.Join(fmt.Errorf("delete from %s: %w", t.name, err), tx.Rollback())
		}
	}
	return tx.Commit()
}
