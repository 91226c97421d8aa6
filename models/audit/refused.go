package audit

import (
	"context"
	"errors"
	"time"

	"qingdang/models/db"
	"qingdang/models/fault"
)

// refusalTime bounds the writing of a refusal, whose context no longer ends with
// the request.
const refusalTime = 10 * time.Second

// Refused writes down that somebody was refused, in a transaction of its own
// that does not end with the request. If it fails the person is still refused.
func Refused(ctx context.Context, d *db.DB, e Entry) error {
	e.Result = ResultRefused
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalTime)
	defer cancel()
	return d.Write(ctx, func(tx *db.Tx) error { return Append(tx, e) })
}

// Unseen writes down, when err is not-found, that somebody reached for a thing that exists but is
// hidden from them; of what is not there nothing is written. Model is of a table with the columns
// id and code, which becomes the entry's object. It gives err back, with what went wrong besides.
func Unseen[ID ~uint64](ctx context.Context, d *db.DB, err error, model any, which ID, e Entry) error {
	if fault.KindOf(err) != fault.KindNotFound {
		return err
	}
	var code []string
	looked := d.Read(ctx, func(tx *db.Tx) error {
		return tx.Model(model).Where("id = ?", which).Pluck("code", &code).Error
	})
	if looked != nil || len(code) == 0 {
		return errors.Join(err, looked)
	}
	e.Object = code[0]
	return errors.Join(err, Refused(ctx, d, e))
}
