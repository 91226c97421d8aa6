// Package aeszip writes and reads ZIP archives as WinZip and its likes encrypt them: AE-2 with AES-256, opened
// by 7-Zip, Bandizip, Keka and every other ordinary tool. Bodies are closed; names, sizes and times are not.
//
// The format turns a password into keys by PBKDF2-HMAC-SHA1 with 1,000 rounds and nothing else, which slows
// nobody down who tries. So it is for passwords that were made, of at least 100 random bits, never for chosen ones.
package aeszip

import (
	"archive/zip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the format has no other
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// What stands in an archive: salt, the password's check value, the sealed body, and its authentication code.
const (
	method   = 99 // "encrypted with AES"; how the body is compressed stands in the extra field
	extraID  = 0x9901
	extraLen = 7
	version  = 2 // AE-2: no CRC of the plain text
	strength = 3 // AES-256

	rounds   = 1000
	keySize  = 32
	saltSize = keySize / 2
	headSize = saltSize + checkSize
	macSize  = 10

	checkSize = 2
)

// Faults of reading.
var (
	ErrPassword = errors.New("aeszip: wrong password")
	ErrChanged  = errors.New("aeszip: the archive was changed")
	ErrOther    = errors.New("aeszip: not a file sealed with AES-256")
)

// keys are what a password and a salt give.
type keys struct {
	stream cipher.Stream
	mac    hash.Hash
	check  []byte
}

func newKeys(password string, salt []byte) (*keys, error) {
	k, err := pbkdf2.Key(sha1.New, password, salt, rounds, 2*keySize+checkSize)
	if err != nil {
		return nil, fmt.Errorf("aeszip: %w", err)
	}
	block, err := aes.NewCipher(k[:keySize])
	if err != nil {
		return nil, fmt.Errorf("aeszip: %w", err)
	}
	return &keys{&counter{block: block}, hmac.New(sha1.New, k[keySize:2*keySize]), k[2*keySize:]}, nil
}

// counter is AES in counter mode as this format has it: the counter is little-endian and begins with 1, while
// that of crypto/cipher is big-endian. It starts at zero for each file, whose salt makes its key its own.
type counter struct {
	block cipher.Block
	n     uint64
	pad   [4096]byte
	left  []byte // of pad
}

// XORKeyStream seals or opens src into dst.
func (c *counter) XORKeyStream(dst, src []byte) {
	for len(src) > 0 {
		if len(c.left) == 0 {
			c.fill()
		}
		n := subtle.XORBytes(dst, src, c.left[:min(len(src), len(c.left))])
		dst, src, c.left = dst[n:], src[n:], c.left[n:]
	}
}

func (c *counter) fill() {
	for i := 0; i < len(c.pad); i += aes.BlockSize {
		var in [aes.BlockSize]byte
		c.n++
		binary.LittleEndian.PutUint64(in[:], c.n)
		c.block.Encrypt(c.pad[i:], in[:])
	}
	c.left = c.pad[:]
}

// extra is the field that tells readers what is sealed how.
func extra(compression uint16) []byte {
	b := make([]byte, 0, 4+extraLen)
	b = binary.LittleEndian.AppendUint16(b, extraID)
	b = binary.LittleEndian.AppendUint16(b, extraLen)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = append(b, "AE"...)
	b = append(b, strength)
	return binary.LittleEndian.AppendUint16(b, compression)
}

// compressionOf reads the field of a file. The fault is ErrOther for anything but AE-2 with AES-256.
func compressionOf(f *zip.File) (uint16, error) {
	if f.Method != method || f.Flags&sealedFlag == 0 {
		return 0, ErrOther
	}
	for rest := f.Extra; len(rest) >= 4; {
		id, n := binary.LittleEndian.Uint16(rest), int(binary.LittleEndian.Uint16(rest[2:]))
		if rest = rest[4:]; n > len(rest) {
			break
		}
		if id == extraID {
			// Version and strength are always the same; the two bytes at its end are the compression.
			if n != extraLen || string(rest[:5]) != string(extra(0)[4:9]) {
				return 0, ErrOther
			}
			return binary.LittleEndian.Uint16(rest[5:]), nil
		}
		rest = rest[n:]
	}
	return 0, ErrOther
}
