package purge

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
)

// read goes over a whole file, line by line, and checks it. What each was given counts only if read
// returns no error: the code over the file stands at its end.
func (l *Ledger) read(code string, each func(ledgerLine) error) (LedgerHead, error) {
	f, err := os.Open(l.path(code))
	if err != nil {
		return LedgerHead{}, fmt.Errorf("outside ledger: %w", err)
	}
	defer f.Close()
	return l.readFrom(f, code, each)
}

func (l *Ledger) readFrom(f io.Reader, code string, each func(ledgerLine) error) (LedgerHead, error) {
	return l.scan(f, code, func(text []byte) error {
		var line ledgerLine
		if json.Unmarshal(text, &line) != nil {
			return fmt.Errorf("%s: %w", code, ErrLedgerDamaged)
		}
		return each(line)
	})
}

// How the lines of a kind begin.
var (
	goneLine   = []byte(`{"gone":`)
	leftLine   = []byte(`{"left":`)
	closedLine = []byte(`{"closed":`)
	endLine    = []byte(`{"mac":`)
)

// scan is readFrom for whoever needs few of the lines, or none: it hands over their text.
func (l *Ledger) scan(f io.Reader, code string, each func(text []byte) error) (h LedgerHead, err error) {
	damaged := fmt.Errorf("%s: %w", code, ErrLedgerDamaged)
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 0, longestLedgerLine), longestLedgerLine)
	lines.Split(wholeLines)
	sum := sha256.New()
	gone, left := int64(0), int64(0)
	for n := 0; lines.Scan(); n++ {
		text := lines.Bytes()
		if n == 0 {
			if h, err = l.head(code, text); err != nil {
				return h, err
			}
			sum.Write(text)
			continue
		}
		if rest, ok := bytes.CutPrefix(text, endLine); ok && len(rest) > 0 {
			if !bytes.Equal(text, l.end(sum)) || lines.Scan() || gone != h.Purged || left != h.Skipped {
				return h, damaged
			}
			return h, nil
		}
		sum.Write(text)
		switch {
		case bytes.HasPrefix(text, goneLine):
			gone++
		case bytes.HasPrefix(text, leftLine):
			left++
		}
		if err := each(text); err != nil {
			return h, err
		}
	}
	return h, damaged // no end, or nothing at all
}

// wholeLines gives lines with their end; what has none is cut off.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	return 0, nil, nil
}

// end is the last line of a file whose other lines have this digest.
func (l *Ledger) end(sum hash.Hash) []byte {
	mac := l.Keys.MAC(ledgerMAC, sum.Sum(nil))
	text, _ := json.Marshal(ledgerEnd{MAC: hex.EncodeToString(mac[:])}) // of a string of digits
	return append(text, '\n')
}

// closed reads a whole file for the slots in it whose keys are to be destroyed.
func (l *Ledger) closed(code string, each func(slot uint64)) (LedgerHead, error) {
	f, err := os.Open(l.path(code))
	if err != nil {
		return LedgerHead{}, fmt.Errorf("outside ledger: %w", err)
	}
	defer f.Close()
	return l.scan(f, code, func(text []byte) error {
		if !bytes.HasPrefix(text, closedLine) {
			return nil
		}
		var line ledgerLine
		if json.Unmarshal(text, &line) != nil {
			return fmt.Errorf("%s: %w", code, ErrLedgerDamaged)
		}
		each(line.Closed)
		return nil
	})
}

// Check reads a whole file and says whether it is what was written.
func (l *Ledger) Check(code string) (LedgerHead, error) {
	return l.read(code, func(ledgerLine) error { return nil })
}
