package seal

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/emmansun/gmsm/sm4"
)

// A sealed body, version 1:
//
//	0      version, 1
//	1      suite
//	2      nonce of 12 bytes; the cascade has two, AES first
//	14/26  ciphertext with a tag of 16 bytes; the cascade has two tags, the AES tag inside
//
// AES-GCM is NIST SP 800-38D, SM4 is GB/T 32907-2016 in the same mode (RFC 8998). Version and suite are
// repeated in the associated data, so that rewriting the two header bytes fails as well. The random
// nonces are a second belt: the data key alone is already used once only.
const (
	bodyVersion = 1
	nonceSize   = 12
	tagSize     = 16

	aesKeySize  = 32
	sm4KeySize  = 16
	dataKeySize = aesKeySize + sm4KeySize

	// MaxOverhead is by how much a body outgrows its plaintext at most.
	MaxOverhead = 2 + 2*nonceSize + 2*tagSize
	// MaxDocument is the longest plaintext this package packs or seals.
	MaxDocument = 64 << 20
)

// layers returns the ciphers of a suite from the inside out, keyed with the halves of key.
func (s Suite) layers(key *[dataKeySize]byte) ([]cipher.AEAD, error) {
	switch s {
	case AES256GCM:
		return []cipher.AEAD{aesGCM(key[:aesKeySize])}, nil
	case SM4GCM:
		return []cipher.AEAD{sm4GCM(key[aesKeySize:])}, nil
	case Cascade:
		return []cipher.AEAD{aesGCM(key[:aesKeySize]), sm4GCM(key[aesKeySize:])}, nil
	}
	return nil, &FormatError{What: "suite", Got: int(s)}
}

// sealBody seals plain under key. random fills the nonces.
func sealBody(key *[dataKeySize]byte, aad AAD, plain []byte, random func([]byte)) ([]byte, error) {
	if len(plain) > MaxDocument {
		return nil, ErrTooLarge
	}
	layers, err := aad.Suite.layers(key)
	if err != nil {
		return nil, err
	}
	head := 2 + len(layers)*nonceSize
	body := make([]byte, head, head+len(plain)+len(layers)*tagSize)
	body[0], body[1] = bodyVersion, byte(aad.Suite)
	random(body[2:head])
	bound := aad.bytes()
	for i, layer := range layers {
		nonce := body[2+i*nonceSize:][:nonceSize]
		body = layer.Seal(body[:head], nonce, plain, bound)
		plain = body[head:]
	}
	return body, nil
}

// openBody is the inverse of sealBody. A zero aad.Suite takes the suite of the header, which the
// associated data authenticates; any other must equal it.
func openBody(key *[dataKeySize]byte, aad AAD, body []byte) ([]byte, error) {
	suite, err := bodySuite(body)
	if err != nil {
		return nil, err
	}
	if aad.Suite != 0 && aad.Suite != suite {
		return nil, ErrTampered
	}
	aad.Suite = suite
	layers, err := suite.layers(key)
	if err != nil {
		return nil, err
	}
	head := 2 + len(layers)*nonceSize
	if len(body) < head+len(layers)*tagSize {
		return nil, ErrTampered
	}
	bound := aad.bytes()
	var dst []byte // the first layer allocates, the next works in place: the caller's body stays whole
	text := body[head:]
	for i := len(layers) - 1; i >= 0; i-- {
		nonce := body[2+i*nonceSize:][:nonceSize]
		if text, err = layers[i].Open(dst, nonce, text, bound); err != nil {
			return nil, ErrTampered
		}
		dst = text[:0]
	}
	return text, nil
}

// bodySuite reads the header of a sealed body.
func bodySuite(body []byte) (Suite, error) {
	if len(body) < 2 {
		return 0, ErrTampered
	}
	if body[0] != bodyVersion {
		return 0, &FormatError{What: "body version", Got: int(body[0])}
	}
	return Suite(body[1]), nil
}

// aesGCM and sm4GCM cannot fail: both key lengths are constants of this package.
func aesGCM(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return mustGCM(block)
}

func sm4GCM(key []byte) cipher.AEAD { return mustGCM(sm4Block(key)) }

func sm4Block(key []byte) cipher.Block {
	block, err := sm4.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return block
}

func mustGCM(block cipher.Block) cipher.AEAD {
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}
