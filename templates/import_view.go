package templates

import (
	"context"
	"time"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

// ImportsView lists the imports, newest first.
type ImportsView struct {
	Rows   []ImportRow
	Total  int64
	First  bool   // of the newest
	Next   uint64 // the older ones begin before it; 0 at the end
	CanRun bool
}

// ImportRow is one import in one line.
type ImportRow struct {
	ID            uint64
	Code          string
	Name          string
	State         string
	Format        string
	Bytes         int64
	Conversations int
	Added         int64
	Rejected      int
	Owner         string
	At            time.Time
}

// ImportNewView is the form for uploading files.
type ImportNewView struct {
	Formats     []string
	Format      string
	Departments []ui.Option
	Problems    Problems
}

// ImportView is one import: how far it is, or its report.
type ImportView struct {
	ImportRow
	Department string // where conversations go that name none we know
	Over       bool
	CanCancel  bool
	Tries      int
	Read       int64 // bytes
	Failure    Words // why it failed for good

	Finished     time.Time
	Messages     int
	Duplicates   int
	Events       int
	Recalled     int
	AddedTexts   int64
	PurgedBefore int64
	FileError    Words
	Rejects      []ImportReject
	More         int
}

// ImportReject is one record that was not taken: where it stood, and why.
type ImportReject struct {
	Sheet     string
	Line      int
	Row       int
	Item      int
	ReasonKey string
}

// Place says where a record stood.
func (r ImportReject) Place(ctx context.Context) string {
	place := ""
	switch {
	case r.Sheet != "":
		place = locale.T(ctx, "import.at_sheet", r.Sheet, r.Row)
	case r.Row > 0:
		place = locale.T(ctx, "import.at_line", r.Row)
	case r.Line > 0:
		place = locale.T(ctx, "import.at_line", r.Line)
	}
	if r.Item > 0 {
		if place != "" {
			place += " · "
		}
		place += locale.T(ctx, "import.at_item", r.Item)
	}
	if place == "" {
		return locale.None
	}
	return place
}

// FormatWord is a format in the reader's language.
func FormatWord(ctx context.Context, code string) string { return wordOr(ctx, "import.format_", code) }

// counts are the numbers of the report, each with its meaning.
func (v ImportView) counts(ctx context.Context) []ui.Figure {
	figure := func(key string, n int64) ui.Figure {
		return ui.Figure{Label: locale.T(ctx, key), Value: locale.N(ctx, n)}
	}
	added := figure("import.added", v.Added)
	added.Kind, added.Note = ui.Success, locale.T(ctx, "import.added_messages", v.AddedTexts)
	rejected := figure("import.rejected", int64(v.Rejected))
	if v.Rejected > 0 {
		rejected.Kind = ui.Warning
	}
	conversations := figure("import.conversations", int64(v.Conversations))
	conversations.Note = locale.T(ctx, "import.messages", v.Messages)
	duplicates := figure("import.duplicates", int64(v.Duplicates))
	duplicates.Note = locale.T(ctx, "import.recalled", v.Recalled)
	return []ui.Figure{added, conversations, rejected, duplicates}
}

func (v ImportView) facts(ctx context.Context) []ui.Fact {
	facts := []ui.Fact{
		{Term: locale.T(ctx, "import.code"), Text: v.Code, Mono: true},
		{Term: locale.T(ctx, "import.file"), Text: v.Name},
		{Term: locale.T(ctx, "import.size"), Text: locale.Bytes(ctx, v.Bytes)},
		{Term: locale.T(ctx, "import.format"), Text: FormatWord(ctx, v.Format)},
		{Term: locale.T(ctx, "import.default_department"), Text: textOrNone(v.Department)},
		{Term: locale.T(ctx, "import.by"), Text: textOrNone(v.Owner)},
		{Term: locale.T(ctx, "import.started_at"), Body: ui.TimeSec(v.At)},
	}
	if !v.Finished.IsZero() {
		facts = append(facts, ui.Fact{Term: locale.T(ctx, "import.finished_at"), Body: ui.TimeSec(v.Finished)})
	}
	if v.Over && v.Tries > 1 {
		facts = append(facts, ui.Fact{Term: locale.T(ctx, "import.tries"), Text: locale.T(ctx, "import.tries_text", v.Tries)})
	}
	return facts
}

func (v ImportsView) pagerLinks() bool { return v.Next != 0 || !v.First }
