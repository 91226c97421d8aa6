package db

import "fmt"

// Serial gives 1, 2, 3 … for each kind and period ("SC", "20261120"), without
// gaps: a number is taken only if the caller's transaction commits. Two callers
// of one kind and period wait for each other.
func Serial(tx *Tx, kind, period string) (int, error) {
	upsert := "INSERT INTO serial (kind, period, last) VALUES (?, ?, 1) ON DUPLICATE KEY UPDATE last = last + 1"
	if tx.engine == SQLite {
		upsert = "INSERT INTO serial (kind, period, last) VALUES (?, ?, 1) ON CONFLICT (kind, period) DO UPDATE SET last = last + 1"
	}
	if err := tx.Exec(upsert, kind, period).Error; err != nil {
		return 0, fmt.Errorf("next number of %s %s: %w", kind, period, err)
	}
	var last []int
	if err := tx.Raw("SELECT last FROM serial WHERE kind = ? AND period = ?", kind, period).Scan(&last).Error; err != nil {
		return 0, fmt.Errorf("next number of %s %s: %w", kind, period, err)
	}
	if len(last) != 1 {
		return 0, fmt.Errorf("next number of %s %s: no row", kind, period)
	}
	return last[0], nil
}

// SerialPast makes sure that Serial will not give out the number n, or any below it, for the kind
// and period.
func SerialPast(tx *Tx, kind, period string, n int) error {
	upsert := "INSERT INTO serial (kind, period, last) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE last = GREATEST(last, ?)"
	if tx.engine == SQLite {
		upsert = "INSERT INTO serial (kind, period, last) VALUES (?, ?, ?) ON CONFLICT (kind, period) DO UPDATE SET last = MAX(last, ?)"
	}
	if err := tx.Exec(upsert, kind, period, n, n).Error; err != nil {
		return fmt.Errorf("skip numbers of %s %s: %w", kind, period, err)
	}
	return nil
}
