package retention

import "context"

// CountWhile counts, and does something between counting and storing what was counted.
func (d *Desk) CountWhile(ctx context.Context, between func()) error {
	t, err := d.tally(ctx)
	if err != nil || t == nil {
		return err
	}
	between()
	return d.note(ctx, t)
}
