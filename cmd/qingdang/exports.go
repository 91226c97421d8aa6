package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"golang.org/x/term"

	"qingdang/models/export"
	"qingdang/models/fault"
	"qingdang/models/purge"
	"qingdang/templates/locale"
)

// openCommand unpacks a file that was exported, with nothing but the file and its secret.
type openCommand struct {
	File     string `arg:"" help:"The file, EX-….zip.age or EX-….zip."`
	Identity string `help:"File with the age secret key that it was made for; without it the passphrase is asked for." placeholder:"KEYFILE"`
	To       string `help:"Folder to unpack into; default: the file's name without its ending. It must not exist." placeholder:"FOLDER"`
}

// Run checks everything before it says that all is well; what does not fit is named.
func (c *openCommand) Run(t *terminal) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	to := c.To
	if to == "" {
		to = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(c.File), ".age"), ".zip")
	}
	m, err := c.unpack(t, f, info.Size(), to)
	if err != nil {
		return err
	}
	t.say("export.open_done", m.Code, m.Written, to)
	if m.LeftOut > 0 {
		t.say("export.open_incomplete", m.LeftOut)
	}
	return nil
}

func (c *openCommand) unpack(t *terminal, f *os.File, size int64, to string) (*export.Manifest, error) {
	head := make([]byte, 4)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !export.IsZip(head[:n]) {
		keys, err := c.keys(t)
		if err != nil {
			return nil, err
		}
		return export.Unpack(f, size, keys, to)
	}
	if c.Identity != "" {
		return nil, fault.Invalid("export.open_zip_key")
	}
	line, err := t.passphrase()
	if err != nil {
		return nil, err
	}
	return export.UnpackZip(f, size, line, to)
}

func (c *openCommand) keys(t *terminal) ([]age.Identity, error) {
	if c.Identity != "" {
		f, err := os.Open(c.Identity)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return age.ParseIdentities(f)
	}
	line, err := t.passphrase()
	if err != nil {
		return nil, err
	}
	key, err := age.NewScryptIdentity(line)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	return []age.Identity{key}, nil
}

// passphrase asks for that of an export.
func (t *terminal) passphrase() (string, error) {
	fmt.Fprint(t.err, locale.T(t.ctx, "export.open_passphrase"), " ")
	line, err := t.secret()
	if err != nil {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", fault.Invalid("export.open_no_passphrase")
	}
	return line, nil
}

// secret reads a line that a terminal does not show while it is typed.
func (t *terminal) secret() (string, error) {
	if f, ok := t.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		line, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(t.err) // the Enter key is not shown either
		return string(line), err
	}
	line, err := bufio.NewReader(t.in).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}

// exportsHolding tells purges about exported files; one that was fetched has no end.
var exportsHolding = purge.ExportsOf(export.Holding, func(h export.Held) purge.ReachItem {
	return purge.ReachItem{Name: h.Code, Holder: h.OwnerName, Until: h.Until.UTC()}
})
