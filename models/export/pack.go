package export

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"filippo.io/age"

	"qingdang/models/account"
	"qingdang/models/audit"
	"qingdang/models/db"
	"qingdang/models/export/file"
	"qingdang/models/fault"
	"qingdang/models/mask"
)

// Fetch is a file on its way out: a ZIP of the parts, the list of what is in them and a word about
// both, inside age or sealed itself. Nothing of it touches the disk.
type Fetch struct {
	Name string

	ctx    context.Context
	desk   *Desk
	by     account.Actor
	export *Export
	parts  []Part
	key    *age.X25519Identity
	zip    bool
	seal   sealer
}

// WriteTo sends the file, once. Afterwards, whether all of it arrived or not, the key of the parts is
// destroyed and the shelf cleared; how it went is written down. A part that is damaged ends it.
func (f *Fetch) WriteTo(w io.Writer) (int64, error) {
	out := newTally(w)
	err := f.send(out)
	return out.n, errors.Join(err, f.finish(out, err))
}

func (f *Fetch) send(w io.Writer) error {
	z, err := f.seal(w)
	if err != nil {
		return fmt.Errorf("seal the file: %w", err)
	}
	for i := range f.parts {
		if err := f.part(z, &f.parts[i]); err != nil {
			return err
		}
	}
	list := newTally(io.Discard)
	if err := f.entry(z, "manifest.csv", zip.Deflate, func(w io.Writer) error {
		list.to = w
		return f.list(list)
	}); err != nil {
		return err
	}
	if err := f.entry(z, "manifest.json", zip.Deflate, func(w io.Writer) error { return f.manifest(w, list) }); err != nil {
		return err
	}
	if err := f.entry(z, "README.txt", zip.Deflate, func(w io.Writer) error {
		_, err := io.WriteString(w, readme)
		return err
	}); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("send the file: %w", err)
	}
	return nil
}

func (f *Fetch) entry(z archive, name string, method uint16, do func(io.Writer) error) error {
	w, err := z.Create(name, method, *f.export.ReadyAt)
	if err == nil {
		err = do(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("send %s: %w", name, err)
	}
	return nil
}

// compressed formats gain nothing from the ZIP.
var compressed = map[file.Format]bool{"pdf": true, "xlsx": true}

func (f *Fetch) part(z archive, p *Part) error {
	method := zip.Deflate
	if compressed[f.export.Format] {
		method = zip.Store
	}
	return f.entry(z, f.export.partName(p.N), method, func(w io.Writer) error {
		in, err := os.Open(f.desk.path(p.File))
		if err != nil {
			return err
		}
		defer in.Close()
		plain, err := age.Decrypt(in, f.key)
		if err != nil {
			return err
		}
		out := newTally(w)
		if _, err := io.Copy(out, plain); err != nil {
			return err
		}
		if out.n != p.PlainBytes || string(out.hash.Sum(nil)) != string(p.PlainSHA256) {
			return fault.Conflict("export.damaged")
		}
		return nil
	})
}

// list writes one line for each conversation of the frozen list, also for what was left out.
func (f *Fetch) list(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return err
	}
	if err := out.Write([]string{"seq", "conversation", "id", "version", "body_sha256", "department", "outcome", "reason", "part"}); err != nil {
		return err
	}
	err := f.desk.DB.Read(f.ctx, func(tx *db.Tx) error {
		return eachItem(tx, f.export.ID, func(i *Item) error {
			part := ""
			if i.Part > 0 && i.State == ItemWritten {
				part = f.export.partName(i.Part)
			}
			return out.Write([]string{
				fmt.Sprint(i.Seq), mask.Cell(i.Code), fmt.Sprint(i.ConversationID), fmt.Sprint(i.Version), hex.EncodeToString(i.Digest), fmt.Sprint(i.DepartmentID),
				i.State.code(), string(i.Reason), part,
			})
		})
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// Manifest is manifest.json.
type Manifest struct {
	Version      int              `json:"version"`
	Code         string           `json:"code"`
	Organisation string           `json:"organisation"`
	Purpose      string           `json:"purpose"`
	Owner        string           `json:"owner"`
	Recipient    string           `json:"recipient,omitempty"`
	Format       string           `json:"format"`
	Masked       string           `json:"masked"`
	FrozenAt     time.Time        `json:"frozen_at"`
	FetchedAt    time.Time        `json:"fetched_at"`
	Asked        int64            `json:"asked"`   // conversations when it was asked for
	Matched      int64            `json:"matched"` // and when the list was frozen, in one state of the database
	Listed       int64            `json:"listed"`
	Complete     bool             `json:"complete"` // everything that matched is in the files
	Written      int64            `json:"written"`
	LeftOut      int64            `json:"left_out"`
	Reasons      map[Reason]int64 `json:"reasons"`
	Messages     int64            `json:"messages"`
	Replaced     int64            `json:"replaced_characters,omitempty"`
	Root         string           `json:"root"` // over the list; it stands in the audit log
	List         ManifestFile     `json:"list"`
	Files        []ManifestFile   `json:"files"`
}

// ManifestFile is one file beside manifest.json.
type ManifestFile struct {
	Name          string `json:"name"`
	Bytes         int64  `json:"bytes"`
	SHA256        string `json:"sha256"`
	Conversations int64  `json:"conversations,omitempty"`
	Messages      int64  `json:"messages,omitempty"`
}

func (f *Fetch) manifest(w io.Writer, list *tally) error {
	e := f.export
	m := Manifest{
		Version: 1, Code: e.Code, Organisation: f.desk.Organisation, Purpose: e.Purpose, Owner: e.OwnerName + " " + e.OwnerStaffNo, Format: string(e.Format), Masked: string(e.Mask),
		FrozenAt: *e.FrozenAt, FetchedAt: *e.FetchedAt, Asked: e.Asked, Matched: e.Matched, Listed: e.Size, Complete: e.Written == e.Matched,
		Written: e.Written, LeftOut: e.LeftOut, Reasons: map[Reason]int64{}, Messages: e.Messages, Root: e.Fingerprint(),
		List: ManifestFile{Name: "manifest.csv", Bytes: list.n, SHA256: hex.EncodeToString(list.hash.Sum(nil)), Conversations: e.Size},
	}
	for i := range f.parts {
		p := &f.parts[i]
		m.Replaced += p.Replaced
		m.Files = append(m.Files, ManifestFile{e.partName(p.N), p.PlainBytes, hex.EncodeToString(p.PlainSHA256), p.Conversations, p.Messages})
	}
	err := f.desk.DB.Read(f.ctx, func(tx *db.Tx) error {
		g := Detail{Export: *e, Reasons: m.Reasons}
		wish, err := f.desk.openWish(e)
		if err != nil {
			return err
		}
		m.Recipient = wish.Recipient
		return g.reasons(tx)
	})
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(m)
}

// finish notes the file's hash and how sending it went, and ends what is on the shelf.
func (f *Fetch) finish(out *tally, sent error) error {
	err := f.desk.DB.Write(f.ctx, func(tx *db.Tx) error {
		e, err := byID(tx, true, f.export.ID)
		if err != nil {
			return err
		}
		if e.State != Fetched || e.KeyGoneAt != nil {
			return nil
		}
		data, result := map[string]any{"bytes": out.n}, audit.OK
		if sent == nil {
			e.FileSHA256 = out.hash.Sum(nil)
			data["file_sha256"] = hex.EncodeToString(e.FileSHA256)
		} else {
			result = audit.ResultFailed
		}
		if err := f.desk.end(tx, e, Fetched); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: f.by.Audit(), Action: "export.sent", ObjectKind: "export", Object: e.Code, Count: e.Written, Result: result, Data: data})
	})
	if err != nil {
		return err
	}
	return f.desk.clear(f.export)
}

const readme = `清档 Qingdang

这个压缩包是一次会话导出。manifest.json 写明用途、持有人、脱敏方式、条数和每个文件的 SHA-256；
manifest.csv 逐条列出会话，包括未写入的和原因。文件离开系统后无法收回：用完请销毁，并告知导出人。

This archive is an export of conversations. manifest.json says what for, for whom, how it is masked, how
many there are and the SHA-256 of each file; manifest.csv lists the conversations one by one, with those
that were left out and why. Nobody can call a file back that has left the system: destroy it after use
and tell whoever took it out.
`
