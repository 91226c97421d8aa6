// Package seal owns the keys of Qingdang and every ciphertext made with them.
//
// The key hierarchy, from the top:
//
//	root key      32 bytes, in the key store folder or handed in by the caller; may be rotated
//	store secret  32 bytes, wrapped by the root key; of it are made the keys that outlive a rotation:
//	              those of MACs, small secrets, checksums, and what seals the signing keys
//	bucket key    48 bytes, one slot of buckets.slots each, wrapped by the root key
//	leaf key      48 bytes, for each of a bucket's 1,024 places; made of a tree of seeds whose root is made of
//	              the bucket key, or whose rest is sealed under it
//	data key      48 bytes, fresh for every sealed record, wrapped by a leaf key, or by the bucket key itself
//	              where a bucket holds one record
//	body          the record itself, sealed under its data key
//
// Body, wrapped data key and the rest of a tree are stored in the database; the key store folder is not, and must
// never be part of a database backup. Destroying a bucket key therefore makes every record of that bucket
// unreadable in every copy of the database there is, but for the places that were kept under another slot before;
// see Tree.
package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The refusals of this package. None of them carries plaintext or key material.
var (
	// ErrNoStore says that the folder holds no key store. Without it nothing in the database can be read.
	ErrNoStore = errors.New("key store not found")
	// ErrNoRoot says that a key store is there and its root key is not.
	ErrNoRoot = errors.New("root key not found")
	// ErrWrongRoot says that the root key does not belong to this key store.
	ErrWrongRoot = errors.New("root key does not fit this key store")
	// ErrRootExposed says that other users of the machine may read root.key.
	ErrRootExposed = errors.New("root.key is readable by others, want mode 0600")
	// ErrRotated says that another process has rotated the root key since this one was given it.
	ErrRotated = errors.New("root key was rotated: restart with the new one")
	// ErrNoSlots says that a key store is there and the file with its bucket keys is not.
	ErrNoSlots = errors.New("bucket keys not found")
	// ErrDamaged says that a file of the key store is incomplete or altered.
	ErrDamaged = errors.New("key store damaged")
	// ErrNoBucket says that a bucket was never allocated in this key store.
	ErrNoBucket = errors.New("bucket not found")
	// ErrDestroyed says that the bucket key was destroyed: what it sealed is gone for good.
	ErrDestroyed = errors.New("bucket key destroyed")
	// ErrTampered says that a ciphertext, or what it is bound to, is not what was sealed.
	ErrTampered = errors.New("sealed data does not verify")
	// ErrBeside says that a backup was to be written into the key store folder itself.
	ErrBeside = errors.New("a backup must not lie in the key store folder")
	// ErrNoBackup says that a file is no backup of a key store.
	ErrNoBackup = errors.New("not a key store backup")
	// ErrOtherStore says that a backup, the folder and the database are not of one key store.
	ErrOtherStore = errors.New("this belongs to another key store")
	// ErrBackupRoot says that a backup was made under another root key.
	ErrBackupRoot = errors.New("root key does not fit this backup")
	// ErrTooLarge says that a document exceeds MaxDocument, packed or unpacked.
	ErrTooLarge = errors.New("document too large")
)

// FormatError says that a ciphertext was made by a version, suite or dictionary this build does not know.
// It is kept apart from ErrTampered because the cure is a newer build, not a backup.
type FormatError struct {
	What string // "body version", "suite", "key version", "tree version", "small version", "dictionary", "store format", "slots format", "key store backup"
	Got  int
}

// Error names the unknown number.
func (e *FormatError) Error() string { return fmt.Sprintf("unknown %s %d", e.What, e.Got) }

// Suite names the ciphers of a sealed body. Its number is part of the stored format.
type Suite byte

// The suites. Cascade is the default: the body stays closed unless both ciphers fall.
const (
	AES256GCM Suite = 1
	SM4GCM    Suite = 2
	Cascade   Suite = 3 // AES-256-GCM inside, SM4-GCM around it
)

// String returns the suite as it is printed on certificates.
func (s Suite) String() string {
	switch s {
	case AES256GCM:
		return "AES-256-GCM"
	case SM4GCM:
		return "SM4-GCM"
	case Cascade:
		return "AES-256-GCM+SM4-GCM"
	}
	return fmt.Sprintf("suite %d", byte(s))
}

// Sealed is what is stored of a record: the body, and its data key wrapped by a bucket's or a leaf's key.
// Body is at most MaxOverhead longer than the plaintext, Wrapped is always WrappedSize long.
type Sealed struct {
	Body    []byte
	Wrapped []byte
}

// AAD is what a body is bound to. A body copied to another record, version, department or table does
// not open there. The bucket is bound by the wrapped key instead, so that wrapping it anew keeps the body.
type AAD struct {
	Kind       byte // the table it stands in: 0 conversation bodies, other numbers belong to other owners
	Suite      Suite
	Record     uint64
	Version    uint32
	Department uint64
}

const bodyLabel = "qingdang/seal/body/1\x00"

// bytes is the canonical form: label with version, then fixed-width big-endian fields.
// The label separates it from every other associated data of this package.
func (a AAD) bytes() []byte {
	b := make([]byte, 0, len(bodyLabel)+22)
	b = append(b, bodyLabel...)
	b = append(b, a.Kind, byte(a.Suite))
	b = binary.BigEndian.AppendUint64(b, a.Record)
	b = binary.BigEndian.AppendUint32(b, a.Version)
	return binary.BigEndian.AppendUint64(b, a.Department)
}
