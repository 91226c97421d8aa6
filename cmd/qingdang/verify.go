package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"qingdang/models/audit/proof"
	"qingdang/templates/locale"
)

// verifyCommand checks evidence files with nothing but the files: no database, no network.
type verifyCommand struct {
	Key        []string `help:"Verifier key or fingerprint that you got by another way; may be given several times." placeholder:"VKEY" sep:"none"`
	Checkpoint []string `help:"Older signed checkpoint of your own records; may be given several times." placeholder:"FILE" sep:"none"`
	JSON       bool     `help:"One JSON object per file."`
	Files      []string `arg:"" help:"Certificates, audit reports, or bundles of the audit log." name:"file"`

	options proof.Options
}

const (
	longestCheckpoint = 1 << 20
	longestDocument   = 1 << 30
	headOfBundle      = 64 << 10
)

// Validate refuses what makes the call itself wrong, before anything is checked.
func (c *verifyCommand) Validate() error {
	c.options = proof.Options{Keys: c.Key}
	for _, file := range c.Checkpoint {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(io.LimitReader(f, longestCheckpoint))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		c.options.Checkpoints = append(c.options.Checkpoints, string(text))
	}
	for _, file := range c.Files {
		if info, err := os.Stat(file); err != nil {
			return err
		} else if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a file", file)
		}
	}
	_, err := proof.Verify(nil, c.options)
	return err
}

// Run checks every file; one that is wrong does not keep the others from being checked. A file of a
// kind that is never signed makes the call wrong; one that is not what was signed outweighs it.
func (c *verifyCommand) Run(t *terminal) error {
	good, asked := true, true
	for _, file := range c.Files {
		r, other, err := c.check(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		good, asked = good && (r.OK || other != ""), asked && other == ""
		if err := c.print(t, file, &r, other); err != nil {
			return err
		}
	}
	switch {
	case !good:
		return errSaid
	case !asked:
		return errAsked
	}
	return nil
}

// check reads a bundle as a stream, since it may be long, and a document whole. other is what a file is
// that cannot be checked at all.
func (c *verifyCommand) check(file string) (r proof.Result, other string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return r, "", err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, headOfBundle)
	head, err := in.Peek(headOfBundle)
	if err != nil && !errors.Is(err, io.EOF) {
		return r, "", err
	}
	if proof.Format(head) == proof.Bundle {
		r, err = proof.VerifyLog(in, c.options)
		return r, "", err
	}
	if other := proof.OtherByHead(head); other != "" {
		return r, other, nil
	}
	data, err := io.ReadAll(io.LimitReader(in, longestDocument))
	if err != nil {
		return r, "", err
	}
	if other := proof.Other(data); other != "" {
		return r, other, nil
	}
	r, err = proof.Verify(data, c.options)
	if r.Format == "" {
		r.Format = proof.Format(data)
	}
	return r, "", err
}

// verdict is what scripts read.
type verdict struct {
	File         string          `json:"file"`
	OK           bool            `json:"ok"`
	Format       string          `json:"format"`
	Other        string          `json:"other,omitempty"` // what it is that is never signed; nothing was checked
	Problems     []verdictDetail `json:"problems"`
	KeyName      string          `json:"key_name"`
	Fingerprint  string          `json:"fingerprint"`
	Pinned       bool            `json:"pinned"`
	LogSize      int64           `json:"log_size"`
	LeafIndex    int64           `json:"leaf_index"`
	LeafAt       *time.Time      `json:"leaf_at,omitempty"`
	TailProvable bool            `json:"tail_provable"`
	Proven       int64           `json:"proven"`
	FirstBad     int64           `json:"first_bad"`
	LastBad      int64           `json:"last_bad"`
	Notes        []string        `json:"notes"`
}

type verdictDetail struct {
	Kind    string `json:"kind"`
	Pointer string `json:"pointer"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Detail  string `json:"detail"`
}

func (c *verifyCommand) print(t *terminal, file string, r *proof.Result, other string) error {
	if !c.JSON && other != "" {
		t.say("verify.other", file, locale.Key("verify.other_"+other))
		return nil
	}
	if !c.JSON {
		t.verified(file, r)
		return nil
	}
	v := verdict{
		File: file, OK: r.OK, Format: r.Format, Other: other, Problems: []verdictDetail{}, KeyName: r.KeyName, Fingerprint: r.Fingerprint, Pinned: r.Pinned,
		LogSize: r.LogSize, LeafIndex: r.LeafIndex, TailProvable: r.TailProvable, Proven: r.Proven, FirstBad: r.FirstBad, LastBad: r.LastBad, Notes: append([]string{}, r.Notes...),
	}
	if !r.LeafAt.IsZero() {
		v.LeafAt = &r.LeafAt
	}
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, verdictDetail(p))
	}
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// verified tells a person what can honestly be said about the file.
func (t *terminal) verified(file string, r *proof.Result) {
	what := locale.T(t.ctx, "verify.format_"+formatWord(r.Format))
	if r.OK {
		t.say("verify.ok", file, what)
	} else {
		t.say("verify.bad", file, what, len(r.Problems))
	}
	for _, p := range r.Problems {
		fmt.Fprintln(t.out, "  "+t.problem(file, p))
	}
	if r.FirstBad >= 0 {
		t.say("verify.leaves", r.FirstBad, r.LastBad)
	}
	if r.KeyName != "" {
		t.say("verify.key", r.KeyName, r.Fingerprint)
	}
	if r.LeafIndex >= 0 {
		t.say("verify.leaf", r.LeafIndex, r.LogSize, r.LeafAt.UTC().Format(time.RFC3339))
	} else if r.LogSize > 0 {
		t.say("verify.log", r.LogSize)
	}
	if r.Pinned {
		t.say("verify.pinned")
	}
	if r.TailProvable {
		t.say("verify.proven", r.Proven)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(t.out, "  "+locale.T(t.ctx, "verify.note_"+n))
	}
}

// problem is one problem with its place, in the way compilers tell places.
func (t *terminal) problem(file string, p proof.Problem) string {
	place := file
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
	}
	if p.Pointer != "" {
		place += " " + p.Pointer
	}
	text := place + " " + locale.T(t.ctx, "verify.kind_"+p.Kind)
	if p.Detail != "" {
		text += " (" + p.Detail + ")"
	}
	return text
}

func formatWord(format string) string {
	switch format {
	case proof.Certificate:
		return "certificate"
	case proof.Report:
		return "report"
	case proof.Inspection:
		return "inspection"
	case proof.Bundle:
		return "bundle"
	}
	return "unknown"
}
