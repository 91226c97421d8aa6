// Command qingdang-verify checks what the Qingdang console gives out as evidence: certificates of
// permanent deletion, audit reports, and bundles of the whole audit log. It is a second program
// written from the formats alone: this one file, Go's standard library and golang.org/x/mod, which
// holds the transparency log that Go's own checksum database uses. Read it before you
// believe it; it takes ten minutes. It needs the files, no network and no console.
//
//	qingdang-verify [--key KEY] [--checkpoint OLDER.txt] [--items LIST.csv] FILE…
//
// The exit code is 0 if every file is what was signed, 1 if one is not, 2 if the call was wrong,
// such as a file of a kind that nobody ever signed.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are what the person knows from elsewhere. Without keys, a file's own key is believed;
// without an older checkpoint nobody can prove that a log's end was not cut off.
type options struct {
	keys  []string // verifier keys, or their fingerprints
	older []string // texts of older checkpoints
	items string   // name of a list file
}

func run(args []string, out, errOut io.Writer) int {
	var o options
	flags := flag.NewFlagSet("qingdang-verify", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.Func("key", "verifier key or fingerprint that you got by another way; may be repeated", func(s string) error {
		o.keys = append(o.keys, s)
		return checkKey(s)
	})
	flags.Func("checkpoint", "older signed checkpoint of your own records; may be repeated", func(name string) error {
		text, err := os.ReadFile(name)
		o.older = append(o.older, string(text))
		return err
	})
	flags.StringVar(&o.items, "items", "", "list file of the purge (CSV) or of the inspection (its population) whose one document is given")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() == 0 || o.items != "" && flags.NArg() != 1 {
		fmt.Fprintln(errOut, "qingdang-verify: name the files to check; with --items exactly one document")
		return 2
	}
	exit := 0
	for _, name := range flags.Args() {
		v, err := check(name, o)
		var other otherKind
		switch {
		case errors.As(err, &other):
			fmt.Fprintf(errOut, "qingdang-verify: %s: not checked, %v; give the .json of the certificate or report, or the .jsonl of the log\n", name, other)
			if exit == 0 {
				exit = 2
			}
			continue
		case err != nil:
			fmt.Fprintln(errOut, "qingdang-verify:", err)
			return 2
		}
		v.print(out, name)
		if len(v.problems) > 0 {
			exit = 1
		}
	}
	return exit
}

// check tells the two kinds of files apart: a bundle is lines of JSON, everything else one document.
func check(name string, o options) (verdict, error) {
	f, err := os.Open(name)
	if err != nil {
		return verdict{}, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	head, err := in.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return verdict{}, err
	}
	if line, _, _ := bytes.Cut(head, []byte("\n")); bytes.Contains(line, []byte(`"format":"qingdang/log/v1"`)) {
		return bundle(in, o), nil
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return verdict{}, err
	}
	if err := other(data); err != nil {
		return verdict{}, err
	}
	v, body := document(data, o)
	if o.items != "" && len(v.problems) == 0 {
		list, err := os.ReadFile(o.items)
		if err != nil {
			return v, err
		}
		if v.what == "inspection" {
			v.sample(list, body)
		} else {
			v.items(list, body)
		}
	}
	return v, nil
}

// otherKind is what a file is that nobody ever signed: the person took the wrong one.
type otherKind string

func (o otherKind) Error() string { return string(o) }

// other tells such a file. Whatever names one of our formats, or has a member of a document, may be
// evidence that was damaged, and must never pass for a mistake of the person.
func other(data []byte) error {
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	var members map[string]json.RawMessage
	isJSON := json.Unmarshal(text, &members) == nil
	switch {
	case bytes.HasPrefix(data, []byte("%PDF-")):
		return otherKind("this is a PDF")
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		return otherKind("this is an archive or a workbook (an encrypted export is opened by qingdang open)")
	case len(text) == 0:
		return otherKind("the file is empty")
	case regexp.MustCompile(`qingdang/(certificate|report|inspection|log)/|"leaf":`).Match(text):
		return nil
	case isJSON:
		for _, name := range append(documentMembers, "hashes") {
			if _, there := members[name]; there && name != "format" && name != "root" && name != "index" && name != "key" {
				return nil
			}
		}
		return otherKind("this is another JSON file, such as the manifest of an export")
	case text[0] != '{' && utf8.Valid(text) && bytes.IndexByte(text, 0) < 0:
		return otherKind("this is a text or a table")
	}
	return nil
}

// verdict is what can be said about a file.
type verdict struct {
	what     string
	problems []string
	facts    []string
	firstBad int64 // of a bundle: the first leaf that is not what was signed, -1 if none
}

func (v *verdict) bad(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func (v *verdict) say(format string, args ...any) {
	v.facts = append(v.facts, fmt.Sprintf(format, args...))
}

func (v *verdict) print(out io.Writer, name string) {
	if len(v.problems) == 0 {
		fmt.Fprintf(out, "%s: GOOD, %s\n", name, v.what)
	} else {
		fmt.Fprintf(out, "%s: BAD, not what was signed\n", name)
	}
	for _, p := range v.problems {
		fmt.Fprintln(out, "  wrong:", p)
	}
	for _, f := range v.facts {
		fmt.Fprintln(out, "  "+f)
	}
}

// ---- Documents: certificates and reports
//
// A document is one JSON object with exactly the members below. Its body is cut into sections, and
// sections that are lists into elements; "digests" has the SHA-256 of each, "root" the SHA-256 of
// all digests. The root stands in one leaf of the audit log, "leaf"; "proof" shows that this leaf
// is number "index" of the log that the signed "checkpoint" speaks of. "signature" covers root
// and leaf once more.

type documentFile struct {
	Body       map[string]any    `json:"body"`
	Checkpoint string            `json:"checkpoint"`
	Digests    map[string]string `json:"digests"`
	Format     string            `json:"format"`
	Index      int64             `json:"index"`
	Key        string            `json:"key"`
	Leaf       string            `json:"leaf"`
	Proof      []string          `json:"proof"`
	Root       string            `json:"root"`
	Signature  string            `json:"signature"`
}

var documentMembers = []string{"body", "checkpoint", "digests", "format", "index", "key", "leaf", "proof", "root", "signature"}

func document(data []byte, o options) (v verdict, body map[string]any) {
	v.firstBad = -1
	value, err := decode(data)
	if err != nil {
		v.bad("not JSON: %v", err)
		return v, nil
	}
	// The one spelling comes first: after it, every byte of the file follows from its values.
	var again bytes.Buffer
	if err := write(&again, value, "\n"); err != nil || !bytes.Equal(append(again.Bytes(), '\n'), data) {
		v.bad("not in canonical form: the file was written by something else, or changed in spelling")
		return v, nil
	}
	members, _ := value.(map[string]any)
	var d documentFile
	if err := strict(data, &d); err != nil || !slices.Equal(slices.Sorted(maps.Keys(members)), documentMembers) {
		v.bad("not a document of a version that this program knows")
		return v, nil
	}
	d.Body, _ = members["body"].(map[string]any) // with its numbers as they are spelled
	v.what = map[string]string{"qingdang/certificate/v1": "certificate", "qingdang/report/v1": "report", "qingdang/inspection/v1": "inspection"}[d.Format]
	if v.what == "" || d.Body == nil {
		v.bad("format %q is unknown", d.Format)
	}
	v.parts(&d)
	if key := v.key(d.Key, o); key != nil {
		v.place(&d, key, o)
	}
	return v, d.Body
}

// parts compares the body with its digests, and the digests with the root.
func (v *verdict) parts(d *documentFile) {
	actual, err := digests(d.Body)
	if err != nil {
		v.bad("body: %v", err)
		return
	}
	for _, pointer := range slices.Sorted(maps.Keys(actual)) {
		if d.Digests[pointer] != actual[pointer] {
			v.bad("%s was changed", pointer)
		}
	}
	for _, pointer := range slices.Sorted(maps.Keys(d.Digests)) {
		if _, there := actual[pointer]; !there {
			v.bad("%s is missing", pointer)
		}
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", d.Format)
	for _, pointer := range slices.Sorted(maps.Keys(actual)) {
		fmt.Fprintf(h, "%s %s\n", pointer, actual[pointer])
	}
	if hex.EncodeToString(h.Sum(nil)) != d.Root {
		v.bad("the root is not that of the body")
	}
}

// digests hashes every section, and every element of a section that is a list, with its place.
func digests(body map[string]any) (map[string]string, error) {
	out := map[string]string{}
	add := func(pointer string, value any) error {
		b := bytes.NewBufferString("qingdang/value/v1\n" + pointer + "\n")
		err := write(b, value, "")
		sum := sha256.Sum256(b.Bytes())
		out[pointer] = hex.EncodeToString(sum[:])
		return err
	}
	for name, section := range body {
		pointer := "/body/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if err := add(pointer, section); err != nil {
			return nil, err
		}
		list, _ := section.([]any)
		for i, element := range list {
			if err := add(pointer+"/"+strconv.Itoa(i), element); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// place checks the signature, the leaf, and that the leaf stands in the log.
func (v *verdict) place(d *documentFile, key note.Verifier, o options) {
	leaf, ok := unbase64(d.Leaf)
	if !ok {
		v.bad("/leaf is not base64")
	}
	hash := tlog.RecordHash(leaf)
	statement := fmt.Appendf(nil, "qingdang document signature v1\n%s\n%s\n%d\n%x\n", d.Format, d.Root, d.Index, hash[:])
	signature, ok := unbase64(d.Signature)
	prefix := fmt.Sprintf("%08x", key.KeyHash())
	if !ok || len(signature) < 4 || hex.EncodeToString(signature[:4]) != prefix || !key.Verify(statement, signature[4:]) {
		v.bad("the signature does not fit")
	}
	n, at, data, ok := readLeaf(leaf)
	if !ok || n != d.Index || data["document_sha256"] != d.Root {
		v.bad("the log's entry is not about this document")
	}
	c, ok := readCheckpoint(d.Checkpoint, []note.Verifier{key}, key)
	if !ok {
		v.bad("the checkpoint is not signed by the file's key")
		return
	}
	var path tlog.RecordProof
	for _, node := range d.Proof {
		b, ok := unbase64(node)
		if !ok || len(b) != tlog.HashSize {
			v.bad("/proof is not a list of hashes")
			return
		}
		path = append(path, tlog.Hash(b))
	}
	if err := tlog.CheckRecord(path, c.size, c.root, d.Index, hash); err != nil {
		v.bad("the entry is not in the log that was signed")
	}
	v.say("entry %d of a log of %d, %s", d.Index, c.size, at)
	v.older(c, key, o)
}

// older compares with checkpoints that the person brought. One document can only be compared at
// the same size; a bundle of the log proves the rest.
func (v *verdict) older(c checkpoint, key note.Verifier, o options) {
	proven := false
	for _, signed := range o.older {
		old, ok := readCheckpoint(signed, append(keys(o), key), nil)
		switch {
		case !ok:
			v.bad("the older checkpoint is not signed by a key that is known")
		case old.size != c.size:
			v.say("the older checkpoint (size %d) can only be compared with a bundle of the log", old.size)
		case old.root != c.root || old.origin != c.origin:
			v.bad("two different logs of size %d were signed", c.size)
		default:
			proven = true
			v.say("the older checkpoint says the same")
		}
	}
	if !proven {
		v.say("tail not provable: bring a checkpoint that left the console earlier (--checkpoint)")
	}
}

// ---- Bundles: the whole log
//
// The first line is a JSON object with format, key and checkpoint. Line n+2 is leaf n with the
// nodes of the Merkle tree (RFC 6962) that it completes: {"hashes":["…"],"leaf":{…}}.

func bundle(in *bufio.Reader, o options) (v verdict) {
	v.what, v.firstBad = "bundle of the audit log", -1
	line, err := readLine(in)
	if err != nil {
		v.bad("no first line")
		return v
	}
	var again bytes.Buffer
	value, err := decode(line)
	if err != nil || write(&again, value, "") != nil || !bytes.Equal(again.Bytes(), line) {
		v.bad("the first line was changed")
		return v
	}
	key := v.key(text(value, "key"), o)
	if key == nil {
		return v
	}
	head, _ := value.(map[string]any)
	own, ok := readCheckpoint(text(value, "checkpoint"), []note.Verifier{key}, key)
	if !ok || len(head) != 3 || text(value, "format") != "qingdang/log/v1" {
		v.bad("the checkpoint is not signed by the file's key")
		return v
	}
	known := []checkpoint{own}
	for _, signed := range o.older {
		old, ok := readCheckpoint(signed, append(keys(o), key), nil)
		if !ok {
			v.bad("the older checkpoint is not signed by a key that is known")
			return v
		}
		known = append(known, old)
		v.say("compared with an older checkpoint of size %d", old.size)
	}
	v.leaves(in, own, known)
	v.say("log of %d entries", own.size)
	if len(o.older) == 0 {
		v.say("tail not provable: bring a checkpoint that left the console earlier (--checkpoint)")
	}
	return v
}

// leaves walks the log and names the first leaf that is not what was signed.
func (v *verdict) leaves(in *bufio.Reader, own checkpoint, known []checkpoint) {
	var t tree
	good := int64(0) // the tree was right at this size
	found := func(first int64, format string, args ...any) {
		v.firstBad = first
		v.bad(format, args...)
	}
	for {
		for _, c := range known {
			if c.size == t.size && c.root != t.root() {
				found(good, "a leaf between %d and %d is not what was signed", good, t.size-1)
				return
			} else if c.size == t.size {
				good = c.size
			}
		}
		line, err := readLine(in)
		switch {
		case errors.Is(err, io.EOF):
			last := slices.MaxFunc(known, func(a, b checkpoint) int { return int(a.size - b.size) })
			if t.size < last.size {
				found(t.size, "cut off: leaves %d to %d are missing", t.size, last.size-1)
			}
			return
		case err != nil:
			found(t.size, "leaf %d: the line does not end", t.size)
			return
		case t.size == own.size:
			found(t.size, "leaves stand behind the end of the log, from %d on", t.size)
			return
		}
		n := t.size
		hashes, leaf, ok := readBundleLine(line)
		if own, _, _, leafOK := readLeaf(leaf); !ok || !leafOK || own != n {
			found(n, "leaf %d was changed, removed or moved", n)
			return
		}
		nodes := t.add(tlog.RecordHash(leaf))
		if !slices.Equal(hashes[:1], nodes[:1]) {
			found(n, "leaf %d was changed", n)
			return
		}
		if !slices.Equal(hashes, nodes) {
			first := n &^ (1<<(len(nodes)-1) - 1)
			found(first, "leaf %d, or one before it from %d on, was changed", n, first)
			return
		}
	}
}

func readBundleLine(line []byte) (hashes []tlog.Hash, leaf []byte, ok bool) {
	var l struct {
		Hashes []string        `json:"hashes"`
		Leaf   json.RawMessage `json:"leaf"`
	}
	if strict(line, &l) != nil || len(l.Hashes) == 0 {
		return nil, nil, false
	}
	again := fmt.Appendf(nil, `{"hashes":["%s"],"leaf":%s}`, strings.Join(l.Hashes, `","`), l.Leaf)
	for _, node := range l.Hashes {
		b, ok := unbase64(node)
		if !ok || len(b) != tlog.HashSize {
			return nil, nil, false
		}
		hashes = append(hashes, tlog.Hash(b))
	}
	return hashes, l.Leaf, bytes.Equal(again, line)
}

// tree is the right edge of a Merkle tree: the roots of its complete subtrees, largest first.
type tree struct {
	size  int64
	peaks []tlog.Hash
}

// add appends a leaf and gives the nodes it completes, itself first.
func (t *tree) add(h tlog.Hash) []tlog.Hash {
	nodes := []tlog.Hash{h}
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks, nodes = t.peaks[:last], append(nodes, h)
	}
	t.peaks = append(t.peaks, h)
	t.size++
	return nodes
}

func (t *tree) root() tlog.Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}

func (t *tree) rootHex() string {
	h := t.root()
	return hex.EncodeToString(h[:])
}

// ---- Lists: which conversations a certificate is about
//
// The list file of a purge has one row per conversation. Two Merkle roots over lines made of its
// columns stand on the certificate: of the list that people agreed to, and of what became of it.
// The two letters in a conversation's code only help the reader; the column platform counts.

var itemColumns = []string{
	"seq", "conversation", "version", "ciphertext_sha256", "department_id", "department", "platform", "service_type",
	"messages", "attachments", "bytes", "last_message_at", "outcome", "reason",
}

// sample draws the sample of an inspection again: from the population file, one item a line, and the
// seed, whose hash was in the log before anybody knew the list. 384.16 n / (n + 383.16) items, rounded
// up, shared among the batches in proportion (largest remainders, then at least one each), of each batch
// those with the smallest SHA-256 of the seed's 64 digits and the line.
func (v *verdict) sample(file []byte, body map[string]any) {
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	seed := text(body, "commitment", "seed")
	if sum("qingdang inspection seed v1\n"+text(body, "code")+"\n"+seed+"\n") != text(body, "commitment", "sha256") {
		v.bad("the seed is not the one that was committed")
	}
	if sum(string(file)) != text(body, "population", "root") {
		v.bad("the list is not the one that was frozen: /body/population/root")
		return
	}
	batches := map[string][]string{}
	all := strings.Fields(string(file))
	for _, item := range all {
		batch, _, _ := strings.Cut(item, "/")
		batches[batch] = append(batches[batch], item)
	}
	n := len(all)
	size := 0
	if n > 0 {
		size = (38416*n + 100*n + 38315) / (100*n + 38316)
	}
	codes := slices.Sorted(maps.Keys(batches))
	share, left := map[string]int{}, size
	for _, c := range codes {
		share[c] = size * len(batches[c]) / n
		left -= share[c]
	}
	order := slices.Clone(codes)
	slices.SortStableFunc(order, func(a, b string) int { return size*len(batches[b])%n - size*len(batches[a])%n })
	for _, c := range order[:left] {
		share[c]++
	}
	for _, c := range codes {
		if share[c] > 0 || len(codes) > size {
			continue
		}
		most := codes[0]
		for _, m := range codes {
			if share[m] > share[most] {
				most = m
			}
		}
		share[most]--
		share[c]++
	}
	var drawn, stated []string
	for _, c := range codes {
		slices.SortFunc(batches[c], func(a, b string) int { return strings.Compare(sum(seed+a), sum(seed+b)) })
		drawn = append(drawn, batches[c][:share[c]]...)
	}
	for _, item := range list(body, "items") {
		stated = append(stated, text(item, "item"))
	}
	slices.Sort(drawn)
	slices.Sort(stated)
	if !slices.Equal(drawn, stated) {
		v.bad("the seed and the list give another sample than /body/items")
	}
}

func (v *verdict) items(file []byte, body map[string]any) {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff")))).ReadAll()
	if err != nil || len(rows) == 0 || !slices.Equal(rows[0], itemColumns) {
		v.bad("not a list file of a purge: %v", err)
		return
	}
	paths := map[string]string{}
	for _, d := range list(body, "manifest", "departments") {
		paths[text(d, "id")] = text(d, "path")
	}
	var agreed, became tree
	counts, reasons := map[string]int64{}, map[string]int64{}
	for n, row := range rows[1:] {
		for i := range row { // an apostrophe keeps spreadsheets from reading formulas
			row[i] = strings.TrimPrefix(row[i], "'")
		}
		id, ok := conversation(row[1])
		if !ok || row[0] != strconv.Itoa(n) || row[5] != paths[row[4]] {
			v.bad("row %d of the list: number, code or department was changed", n)
			return
		}
		agreed.add(tlog.RecordHash(fmt.Appendf(nil, "qingdang/manifest/v1\n%d\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n",
			id, row[2], row[3], row[4], row[6], row[8], row[9], row[10], row[11], row[7])))
		became.add(tlog.RecordHash(fmt.Appendf(nil, "qingdang/outcome/v1\n%d\n%d\n%s\n%s\n", n, id, row[12], row[13])))
		for i, column := range []string{"messages", "attachments", "bytes"} {
			number, _ := strconv.ParseInt(row[8+i], 10, 64)
			counts[column] += number
		}
		counts[row[12]]++
		counts["size"]++
		if row[13] != "" {
			reasons[row[13]]++
		}
	}
	for _, root := range []struct{ section, name, got string }{
		{"manifest", "root", agreed.rootHex()}, {"result", "outcome_root", became.rootHex()},
	} {
		if root.got != text(body, root.section, root.name) {
			v.bad("the list's rows do not give the certificate's /body/%s/%s", root.section, root.name)
		}
	}
	for _, c := range [][2]string{{"manifest", "size"}, {"manifest", "messages"}, {"manifest", "attachments"}, {"manifest", "bytes"}, {"result", "purged"}, {"result", "skipped"}} {
		if got := strconv.FormatInt(counts[c[1]], 10); got != text(body, c[0], c[1]) {
			v.bad("the list adds up to %s = %s, the certificate says %s", c[1], got, text(body, c[0], c[1]))
		}
	}
	if got, want := fmt.Sprint(reasons), fmt.Sprint(walk(body, []string{"exclusions", "when_run"})); got != want {
		v.bad("the list skips %s, the certificate says %s", got, want)
	}
	v.say("list of %d: %d purged, %d skipped", counts["size"], counts["purged"], counts["skipped"])
}

// conversation gives the number in a conversation's code: C-20251019-QN-3F7K2M9A is a day and, in
// Crockford's base 32, the second of that day and a counter.
func conversation(code string) (uint64, bool) {
	parts := strings.Split(code, "-")
	if len(parts) != 4 || parts[0] != "C" || len(parts[3]) != 8 {
		return 0, false
	}
	day, err := time.Parse("20060102", parts[1])
	rest := uint64(0)
	for _, r := range parts[3] {
		digit := strings.IndexRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", r)
		if digit < 0 {
			return 0, false
		}
		rest = rest<<5 | uint64(digit)
	}
	const counter = 1 << 20
	return (uint64(day.Unix())+rest/counter)*counter + rest%counter, err == nil && rest/counter < 24*60*60
}

func walk(v any, path []string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func list(v any, path ...string) []any {
	l, _ := walk(v, path).([]any)
	return l
}

func text(v any, path ...string) string { return fmt.Sprint(walk(v, path)) }

// ---- Keys and checkpoints

// key reads a file's own key. It is only what the file says of itself, unless the person named it.
func (v *verdict) key(own string, o options) note.Verifier {
	key, print, err := verifier(own)
	if err != nil {
		v.bad("the key is malformed")
		return nil
	}
	v.say("key %s, fingerprint %s", key.Name(), print)
	named := slices.ContainsFunc(o.keys, func(k string) bool { return k == own || plain(k) == plain(print) })
	switch {
	case named:
		v.say("it is a key that you named")
	case len(o.keys) > 0:
		v.bad("signed by another key than you named")
	default:
		v.say("NOTE: this key stands in the file itself; compare its fingerprint with one that you got by another way (--key)")
	}
	return key
}

// verifier reads a key in its one spelling, name+hash+base64, and gives its fingerprint.
func verifier(text string) (note.Verifier, string, error) {
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, "", err
	}
	b64 := strings.SplitN(text, "+", 3)[2] // base64 may itself hold a plus
	key, ok := unbase64(b64)
	if !ok || text != fmt.Sprintf("%s+%08x+%s", v.Name(), v.KeyHash(), b64) {
		return nil, "", errors.New("not the one spelling of a key")
	}
	sum := sha256.Sum256(append([]byte(v.Name()+"\n"), key...))
	var groups []string
	for group := range slices.Chunk([]byte(hex.EncodeToString(sum[:])), 8) {
		groups = append(groups, string(group))
	}
	return v, strings.Join(groups, " "), nil
}

func plain(fingerprint string) string {
	return strings.ToLower(strings.Join(strings.Fields(fingerprint), ""))
}

func checkKey(text string) error {
	if _, _, err := verifier(text); err == nil {
		return nil
	}
	if sum, err := hex.DecodeString(plain(text)); err != nil || len(sum) != sha256.Size {
		return errors.New("neither a key nor a fingerprint")
	}
	return nil
}

// keys gives the named keys that are keys, not fingerprints.
func keys(o options) (out []note.Verifier) {
	for _, text := range o.keys {
		if v, _, err := verifier(text); err == nil {
			out = append(out, v)
		}
	}
	return out
}

// checkpoint is a signed "the log of this name has so many leaves and this root".
type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

// readCheckpoint reads a checkpoint that one of the keys signed. If only is given, nothing may be
// spelled in another way, and no other signature may stand there.
func readCheckpoint(signed string, known []note.Verifier, only note.Verifier) (c checkpoint, ok bool) {
	unique := map[string]note.Verifier{}
	for _, v := range known {
		unique[fmt.Sprint(v.Name(), v.KeyHash())] = v
	}
	n, err := note.Open([]byte(signed), note.VerifierList(slices.Collect(maps.Values(unique))...))
	if err != nil {
		return c, false
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 {
		return c, false
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, err2 := tlog.ParseHash(lines[2])
	c = checkpoint{lines[0], size, root}
	if again := fmt.Sprintf("%s\n%d\n%s\n", c.origin, c.size, base64.StdEncoding.EncodeToString(root[:])); err != nil || err2 != nil || size < 0 || again != n.Text {
		return c, false
	}
	if only == nil {
		return c, true
	}
	line, found := strings.CutPrefix(signed, n.Text+"\n— "+only.Name()+" ")
	b64, ended := strings.CutSuffix(line, "\n")
	_, ok = unbase64(b64)
	return c, found && ended && ok
}

// ---- JSON in its one spelling: keys sorted, whole numbers, unseen characters escaped

func decode(data []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// strict reads into a struct and refuses members that it has not.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

var whole = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// write writes a value. line is "" for the short form, or a line break with the indentation so far.
func write(b *bytes.Buffer, v any, line string) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case json.Number:
		if !whole.MatchString(string(v)) {
			return fmt.Errorf("%s is not a whole number", v)
		}
		b.WriteString(string(v))
	case string:
		writeText(b, v)
	case []any:
		return writeAll(b, "[]", line, v, func(element any, inner string) error { return write(b, element, inner) })
	case map[string]any:
		return writeAll(b, "{}", line, slices.Sorted(maps.Keys(v)), func(name, inner string) error {
			writeText(b, name)
			b.WriteByte(':')
			if line != "" {
				b.WriteByte(' ')
			}
			return write(b, v[name], inner)
		})
	}
	return nil
}

// writeAll writes brackets and what stands between them.
func writeAll[T any](b *bytes.Buffer, brackets, line string, elements []T, each func(e T, inner string) error) error {
	inner := line
	if line != "" {
		inner += "  "
	}
	b.WriteByte(brackets[0])
	for i, e := range elements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(inner)
		if err := each(e, inner); err != nil {
			return err
		}
	}
	if len(elements) > 0 {
		b.WriteString(line)
	}
	b.WriteByte(brackets[1])
	return nil
}

func writeText(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x20, r >= 0x7f && r <= 0x9f, r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// readLeaf reads an entry of the log: canonical JSON with its version, number and time.
func readLeaf(leaf []byte) (n int64, at string, data map[string]any, ok bool) {
	value, err := decode(leaf)
	var again bytes.Buffer
	if err != nil || write(&again, value, "") != nil || !bytes.Equal(again.Bytes(), leaf) {
		return 0, "", nil, false
	}
	var head struct {
		V    int            `json:"v"`
		N    int64          `json:"n"`
		At   string         `json:"at"`
		Data map[string]any `json:"data"`
	}
	err = json.Unmarshal(leaf, &head)
	return head.N, head.At, head.Data, err == nil && head.V == 1 && head.N >= 0
}

// readLine gives the next line without its end. A last line that does not end is an error.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadBytes('\n')
	if err != nil && len(line) > 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return bytes.TrimSuffix(line, []byte("\n")), err
}

// unbase64 accepts only the one spelling of some bytes.
func unbase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return b, err == nil && base64.StdEncoding.EncodeToString(b) == s && utf8.ValidString(s)
}
