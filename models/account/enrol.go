package account

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"image/png"
	"net/url"
	"strings"

	"github.com/pquerna/otp"

	"qingdang/models/db"
	"qingdang/models/id"
)

const secretPurpose = "account totp"

// Enrolment is what the page shows on which a person sets up the second factor.
type Enrolment struct {
	Name    string
	StaffNo string
	Secret  string // in groups of four, for typing
	QR      string // data: URI of a PNG
}

// EnrolPage gives the secret that the session's account has not confirmed yet. The
// fault is a conflict when the session is over or the factor stands already.
func (a *Accounts) EnrolPage(ctx context.Context, token, organisation string) (*Enrolment, error) {
	u, err := a.halfway(ctx, token)
	if err != nil {
		return nil, err
	}
	if u.TOTPConfirmed {
		return nil, sessionOver()
	}
	secret, err := a.openSecret(u)
	if err != nil {
		return nil, err
	}
	qr, err := qrCode(secret, organisation, u.StaffNo)
	if err != nil {
		return nil, err
	}
	return &Enrolment{Name: u.Name, StaffNo: u.StaffNo, Secret: groups(secret), QR: qr}, nil
}

func qrCode(secret, issuer, staffNo string) (string, error) {
	const size = 220
	address := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + staffNo,
		RawQuery: url.Values{"secret": {secret}, "issuer": {issuer}, "digits": {"6"}, "period": {"30"}, "algorithm": {"SHA1"}}.Encode(),
	}
	key, err := otp.NewKeyFromURL(address.String())
	if err != nil {
		return "", fmt.Errorf("account: QR code: %w", err)
	}
	img, err := key.Image(size, size)
	if err != nil {
		return "", fmt.Errorf("account: QR code: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return "", fmt.Errorf("account: QR code: %w", err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func groups(s string) string {
	const group = 4
	var out []string
	for len(s) > group {
		out, s = append(out, s[:group]), s[group:]
	}
	return strings.Join(append(out, s), " ")
}

// newSecret gives the account a fresh, unconfirmed secret.
func (a *Accounts) newSecret(tx *db.Tx, u *user) error {
	const size = 20 // as RFC 4226 advises for SHA-1
	raw := make([]byte, size)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	u.TOTP, u.TOTPConfirmed = a.sealSecret(u.ID, secret), false
	err := tx.Model(&user{}).Where("id = ?", u.ID).Updates(map[string]any{"totp": u.TOTP, "totp_confirmed": false}).Error
	if err != nil {
		return fmt.Errorf("store one-time secret: %w", err)
	}
	return nil
}

// sealSecret binds the secret to its account: a row copied to another opens
// nothing.
func (a *Accounts) sealSecret(who id.User, secret string) []byte {
	return a.keys.SealSmall(secretPurpose, []byte(id.String(who)), []byte(secret))
}

func (a *Accounts) openSecret(u *user) (string, error) {
	secret, err := a.keys.OpenSmall(secretPurpose, []byte(id.String(u.ID)), u.TOTP)
	if err != nil {
		return "", fmt.Errorf("open one-time secret: %w", err)
	}
	return string(secret), nil
}
