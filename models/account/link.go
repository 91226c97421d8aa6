package account

import (
	"context"
	"fmt"
	"time"

	"qingdang/models/db"
	"qingdang/models/fault"
	"qingdang/models/id"
)

// LinkKind says what a one-time link is for.
type LinkKind string

// The kinds of one-time links.
const (
	LinkFirst  LinkKind = "first"  // creates the first administrator
	LinkInvite LinkKind = "invite" // sets the first password of an account
	LinkReset  LinkKind = "reset"  // sets a new password; the second factor stays
)

const (
	firstLinkLife  = 24 * time.Hour
	inviteLinkLife = 72 * time.Hour
	resetLinkLife  = 2 * time.Hour
)

type setupLink struct {
	TokenHash []byte `gorm:"primaryKey"`
	Kind      LinkKind
	UserID    id.User // 0 for LinkFirst
	Factor    bool    // the second factor is set up anew too
	CreatedBy id.User
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// TableName is the table of one-time links. Only digests of their tokens are stored.
func (setupLink) TableName() string { return "setup_link" }

// newLink replaces every open link of the account by a new one.
func newLink(tx *db.Tx, kind LinkKind, who, by id.User, factor bool, life time.Duration) (string, error) {
	if err := tx.Where("user_id = ? AND used_at IS NULL", who).Delete(&setupLink{}).Error; err != nil {
		return "", fmt.Errorf("remove old link: %w", err)
	}
	token := newToken()
	err := tx.Create(&setupLink{
		TokenHash: digest(token), Kind: kind, UserID: who, Factor: factor,
		CreatedBy: by, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(life),
	}).Error
	if err != nil {
		return "", fmt.Errorf("store link: %w", err)
	}
	return token, nil
}

func linkOver() *fault.Fault { return fault.NotFound("account.link_over") }

func findLink(tx *db.Tx, token string) (*setupLink, error) {
	var l setupLink
	switch err := tx.ForUpdate().Where("token_hash = ?", digest(token)).Take(&l).Error; {
	case db.NotFound(err):
		return nil, linkOver()
	case err != nil:
		return nil, fmt.Errorf("read link: %w", err)
	case l.UsedAt != nil || !tx.Now.Before(l.ExpiresAt):
		return nil, linkOver()
	}
	return &l, nil
}

// Link is what the page of a one-time link shows.
type Link struct {
	Kind    LinkKind
	Name    string
	StaffNo string
}

// OpenLink looks at a link without using it. The fault is not found for one that
// was never given, is used or over.
func (a *Accounts) OpenLink(ctx context.Context, token string) (*Link, error) {
	var out *Link
	err := a.db.Read(ctx, func(tx *db.Tx) error {
		var l setupLink
		switch err := tx.Where("token_hash = ? AND used_at IS NULL AND expires_at > ?", digest(token), tx.Now).Take(&l).Error; {
		case db.NotFound(err):
			return linkOver()
		case err != nil:
			return fmt.Errorf("read link: %w", err)
		}
		out = &Link{Kind: l.Kind}
		if l.Kind == LinkFirst {
			return nil
		}
		u, err := findUser(tx, l.UserID)
		if err != nil {
			return err
		}
		out.Name, out.StaffNo = u.Name, u.StaffNo
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// FirstLink gives the link that creates the first administrator, a new one at each
// call, or "" once there is an account.
func (a *Accounts) FirstLink(ctx context.Context) (token string, err error) {
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		token = ""
		if some, err := anyUser(tx); err != nil || some {
			return err
		}
		var err error
		token, err = newLink(tx, LinkFirst, 0, 0, false, firstLinkLife)
		return err
	})
	return token, err
}

func anyUser(tx *db.Tx) (bool, error) {
	var n int64
	if err := tx.Model(&user{}).Count(&n).Error; err != nil {
		return false, fmt.Errorf("count accounts: %w", err)
	}
	return n > 0, nil
}

func errOr(err error, f *fault.Fault) error {
	if err != nil {
		return err
	}
	return f
}
