package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc64"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/emmansun/gmsm/sm4"

	"qingdang/models/account"
	"qingdang/models/conversation"
	"qingdang/models/db/dbtest"
	"qingdang/models/index"
	"qingdang/models/words"
)

// indexWords are said in every conversation of the canaries: characters and words that stand nowhere else.
// controlWords are never said, but lie in a plain table in every form that is looked for.
const (
	indexWords   = "龘靐齉爩 𠀋𡈽𠮟 zq7xv9kw"
	controlWords = "麤籱灪驫 𪚥𪘨𪗱 jx4wq8vz"
)

// needle is something that must not be found, and what it is.
type needle struct {
	what string
	raw  []byte
}

// shortest is how long a needle is at least: shorter ones would be found in ciphertext by chance.
const shortest = 6

// indexNeedles are the terms of a text: as they are, as anybody could name them without a key, and, where
// there is an index, as it names them.
func indexNeedles(text string, x *index.Index) (out []needle) {
	put := func(what string, raw []byte) {
		if len(raw) >= shortest {
			out = append(out, needle{what, raw})
		}
	}
	number := func(what string, sum []byte) {
		n, back := binary.BigEndian.Uint64(sum), slices.Clone(sum[:8])
		slices.Reverse(back)
		put(what, sum[:8])
		put(what+" turned round", back)
		put(what+" in hex", []byte(hex.EncodeToString(sum[:8])))
		put(what+" in digits", fmt.Append(nil, n))
	}
	for _, term := range words.Terms(text) {
		put("term "+term, []byte(term))
		var low, high []byte
		for _, u := range utf16.Encode([]rune(term)) {
			low, high = binary.LittleEndian.AppendUint16(low, u), binary.BigEndian.AppendUint16(high, u)
		}
		put("UTF-16 of "+term, low)
		put("UTF-16 of "+term, high)
		for name, h := range map[string]hash.Hash{
			"SHA-256": sha256.New(), "SHA-1": sha1.New(), "MD5": md5.New(), "FNV-1a": fnv.New64a(), "FNV-1": fnv.New64(), "CRC-64": crc64.New(crc64.MakeTable(crc64.ISO)),
			"HMAC without a key": hmac.New(sha256.New, nil), "HMAC of its purpose": hmac.New(sha256.New, []byte("term")),
		} {
			h.Write([]byte(term))
			number(name+" of "+term, h.Sum(nil))
		}
		if x != nil {
			number("token of "+term, binary.BigEndian.AppendUint64(nil, uint64(x.Token(term))))
		}
	}
	return out
}

// lookFor gives what of the needles stands in files below folders, and where.
func lookFor(t *testing.T, folders []string, needles []needle) map[string][]string {
	t.Helper()
	begins := map[uint32][]needle{} // by their first bytes
	for _, n := range needles {
		key := binary.LittleEndian.Uint32(n.raw)
		begins[key] = append(begins[key], n)
	}
	var maybe [1 << 16]bool
	for key := range begins {
		maybe[uint16(key)] = true
	}
	found := map[string][]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil // files come and go under a running server
			}
			body, err := os.ReadFile(path)
			if err != nil {
				return nil
			}
			for i := 0; i+shortest <= len(body); i++ {
				if !maybe[uint16(body[i])|uint16(body[i+1])<<8] {
					continue
				}
				for _, n := range begins[binary.LittleEndian.Uint32(body[i:])] {
					if bytes.HasPrefix(body[i:], n.raw) && !slices.Contains(found[n.what], path) {
						found[n.what] = append(found[n.what], path)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// termKey derives the key of tokens from the files of a key store alone, by the design of its header, as
// somebody who stole them would; and makes sure that it is the one.
func termKey(t *testing.T, a *app) []byte {
	t.Helper()
	dir := a.store.Dir()
	root, err := os.ReadFile(filepath.Join(dir, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	slots, err := os.ReadFile(filepath.Join(dir, "buckets.slots"))
	if err != nil || len(slots) < 96 {
		t.Fatal(len(slots), err)
	}
	derive := func(key []byte, info string, size int) []byte {
		out, err := hkdf.Key(sha256.New, key, slots[16:32], "qingdang/seal/2/"+info, size)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	both := derive(root, "root secret", 48)
	block, err := aes.NewCipher(both[:32])
	if err != nil {
		t.Fatal(err)
	}
	outer, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := slots[36:48]
	secret, err := outer.Open(nil, nonce, slots[48:96], slots[:36])
	if err != nil {
		t.Fatal(err)
	}
	inner, err := sm4.NewCipher(both[32:])
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCTR(inner, append(slices.Clone(nonce), 0, 0, 0, 0)).XORKeyStream(secret, secret)
	key := derive(secret, "mac\x00term", sha256.Size)
	mac := hmac.New(sha256.New, key)
	mac.Write(append(binary.BigEndian.AppendUint64(nil, uint64(len("zq7xv9kw"))), "zq7xv9kw"...))
	if got := binary.BigEndian.Uint64(mac.Sum(nil)); got != uint64(a.index.Token("zq7xv9kw")) {
		t.Fatal("this is not the key of tokens: the scan would look for nothing")
	}
	return key
}

// keyNeedles are a key in the forms in which it might lie somewhere: raw, as text, and as HMAC mixes it.
func keyNeedles(what string, key []byte) []needle {
	mixed := func(with byte) []byte {
		out := slices.Clone(key)
		for i := range out {
			out[i] ^= with
		}
		return out
	}
	back := slices.Clone(key)
	slices.Reverse(back)
	return []needle{
		{what, key},
		{what + " turned round", back},
		{what + " in hex", []byte(hex.EncodeToString(key))},
		{what + " in capital hex", []byte(strings.ToUpper(hex.EncodeToString(key)))},
		{what + " in base64", []byte(base64.RawStdEncoding.EncodeToString(key))},
		{what + " in base64 for addresses", []byte(base64.RawURLEncoding.EncodeToString(key))},
		{what + " mixed inside", mixed(0x36)},
		{what + " mixed outside", mixed(0x5c)},
	}
}

// controlKey is nobody's, and lies in the plain table in every form in which the key of tokens is looked for.
var controlKey = sha256.Sum256([]byte("qingdang canary control key"))

// plantControl writes the control's terms and key into a plain table, in every form that is looked for.
func plantControl(t *testing.T, a *app) {
	t.Helper()
	dbtest.Exec(t, a.db, "CREATE TABLE canary_plain (body BLOB)")
	for _, n := range append(indexNeedles(controlWords, nil), keyNeedles("control key", controlKey[:])...) {
		dbtest.Exec(t, a.db, "INSERT INTO canary_plain (body) SELECT ?", n.raw)
	}
}

// indexed lets the worker make the index, and makes sure that it holds the words: they are found.
func indexed(t *testing.T, a *app, by account.Actor) {
	t.Helper()
	a.workNow(t)
	for _, text := range strings.Fields(indexWords) {
		q, err := words.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		s := &conversation.Conversations{DB: a.db, Vault: conversation.Vault{Store: a.store}, Index: a.index}
		p, err := s.Search(t.Context(), by, conversation.Query{Filter: conversation.Filter{Departments: account.Everywhere()}, Words: q, Size: 10})
		if err != nil || p.Total != 41 || p.Plan.Way != conversation.WayIndex || p.Plan.Changed != 0 {
			t.Fatalf("%s: %+v, %v", text, p, err)
		}
	}
}

// nothingOfTheIndex makes sure that no term of the canaries is readable, nor its token, nor the key of
// tokens anywhere; that what that key comes from is in the key store only; and that every form of the control is.
func nothingOfTheIndex(t *testing.T, a *app, when string, folders []string) {
	t.Helper()
	keys := a.store.Dir()
	root, err := os.ReadFile(filepath.Join(keys, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	token := a.store.MAC("term", nil) // names no term, and comes from the same key
	secrets := []needle{{"root key", root}, {"root key in hex", []byte(hex.EncodeToString(root))}, {"what the key of tokens makes of nothing", token[:]}}
	if plain, err := hex.DecodeString(strings.TrimSpace(string(root))); err == nil && len(plain) > 0 {
		secrets = append(secrets, needle{"root key", plain})
	}
	hidden, control := indexNeedles(indexWords, a.index), indexNeedles(controlWords, nil)
	hidden, control = append(hidden, keyNeedles("the key of tokens", termKey(t, a))...), append(control, keyNeedles("control key", controlKey[:])...)
	found := lookFor(t, folders, slices.Concat(hidden, control, secrets))
	for _, n := range hidden {
		if where := found[n.what]; len(where) > 0 {
			t.Errorf("%s: %s is readable in %v", when, n.what, where)
		}
	}
	for _, n := range control {
		if len(found[n.what]) == 0 {
			t.Errorf("%s: the scan did not find the control's %s", when, n.what)
		}
	}
	seen := false
	for _, n := range secrets {
		for _, path := range found[n.what] {
			if seen = seen || filepath.Dir(path) == keys; filepath.Dir(path) != keys {
				t.Errorf("%s: %s is readable in %s", when, n.what, path)
			}
		}
	}
	if !seen {
		t.Errorf("%s: the scan did not find the root key in the key store", when)
	}
}
