package seal

import (
	"crypto/cipher"
	"crypto/subtle"
)

// A box wraps keys and other small secrets under one 48-byte key (32 AES ‖ 16 SM4):
//
//	nonce 12 ‖ AES-256-GCM(nonce, SM4-CTR(nonce ‖ 0⁴, secret), aad)
//
// The secret is in SM4 inside AES and the tag is AES-GCM's. Wrapping with AES alone would undo the
// cascade: whoever broke AES would unwrap the data keys and need no attack on SM4. The two ciphers have
// independent keys, so that sharing the nonce is sound, and the result is no longer than AES-GCM alone.
type box struct {
	outer cipher.AEAD
	inner cipher.Block
}

const (
	boxOverhead = nonceSize + tagSize
	bulk        = 256
)

func newBox(key *[dataKeySize]byte) *box {
	return &box{outer: aesGCM(key[:aesKeySize]), inner: sm4Block(key[aesKeySize:])}
}

// seal appends the wrapped secret to dst. nonce must be fresh and random.
func (b *box) seal(dst []byte, nonce *[nonceSize]byte, secret, aad []byte) []byte {
	dst = append(dst, nonce[:]...)
	at := len(dst)
	dst = append(dst, secret...)
	b.mask(nonce[:], dst[at:])
	return b.outer.Seal(dst[:at], nonce[:], dst[at:], aad)
}

// open appends the secret to dst.
func (b *box) open(dst, wrapped, aad []byte) ([]byte, error) {
	if len(wrapped) < boxOverhead {
		return nil, ErrTampered
	}
	nonce, at := wrapped[:nonceSize], len(dst)
	dst, err := b.outer.Open(dst, nonce, wrapped[nonceSize:], aad)
	if err != nil {
		return nil, ErrTampered
	}
	b.mask(nonce, dst[at:])
	return dst, nil
}

// mask is SM4 in counter mode. Most secrets here are a few blocks long, where going block by block is
// quicker than setting up the bulk mode of the library.
func (b *box) mask(nonce, secret []byte) {
	var counter, stream [16]byte
	copy(counter[:], nonce)
	if len(secret) >= bulk {
		cipher.NewCTR(b.inner, counter[:]).XORKeyStream(secret, secret)
		return
	}
	for n := uint32(0); len(secret) > 0; n++ {
		counter[12], counter[13], counter[14], counter[15] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
		b.inner.Encrypt(stream[:], counter[:])
		secret = secret[subtle.XORBytes(secret, secret, stream[:]):]
	}
}
