package templates

import (
	"net/url"
	"strconv"
)

// Addresses of batch deletion and the recycle bin.
const (
	BatchesPath    = "/batches"
	BatchNewPath   = "/batches/new"
	BatchPickPath  = "/batches/pick"
	BinPath        = "/bin"
	BinRestoreAll  = "/bin/restore"
	BinExtendPath  = "/bin/extend"
	BinPurgePath   = "/bin/purge"
	batchDraftPath = "/batches/drafts/"
)

// The steps of the wizard, as they stand in addresses.
const (
	StepScope   = "scope"
	StepImpact  = "impact"
	StepConfirm = "confirm"
)

// BatchPath is the page of one batch.
func BatchPath(batch uint64) string { return BatchesPath + "/" + strconv.FormatUint(batch, 10) }

// BatchItemsPath is a page of a batch's conversations; state "" is all of them.
func BatchItemsPath(batch uint64, state string, page int) string {
	return BinQuery{State: state, Page: page}.path(BatchPath(batch))
}

// BatchActPath is where a form about a batch is sent, or a part of its page is fetched.
func BatchActPath(batch uint64, act string) string { return BatchPath(batch) + "/" + act }

// BatchDraftPath is a step of a draft.
func BatchDraftPath(draft uint64, step string) string {
	return batchDraftPath + strconv.FormatUint(draft, 10) + "?step=" + step
}

// BatchDraftActPath is where a form of the wizard is sent; without an act it is saved. A draft
// that was not saved yet has no number.
func BatchDraftActPath(draft uint64, act string) string {
	if draft == 0 {
		return BatchNewPath
	}
	path := batchDraftPath + strconv.FormatUint(draft, 10)
	if act != "" {
		path += "/" + act
	}
	return path
}

// BatchExclusionsPath is the list of what a draft leaves out, as a file; reason "" is all.
func BatchExclusionsPath(draft uint64, reason string) string {
	path := BatchDraftActPath(draft, "exclusions.csv")
	if reason != "" {
		path += "?" + url.Values{"reason": {reason}}.Encode()
	}
	return path
}

// BatchDrawPath is the impact step with another sample.
func BatchDrawPath(draft, draw uint64) string {
	return BatchDraftPath(draft, StepImpact) + "&draw=" + strconv.FormatUint(draw, 10)
}

// BatchListPath is the list of batches.
func BatchListPath(q BinQuery) string { return q.path(BatchesPath) }

// BinListPath is the recycle bin.
func BinListPath(q BinQuery) string { return q.path(BinPath) }

// BinRestorePath restores what is left of one batch.
func BinRestorePath(batch uint64) string {
	return BinPath + "/" + strconv.FormatUint(batch, 10) + "/restore"
}

// BinQuery is what is listed; zero values are the defaults and are left out of addresses.
type BinQuery struct {
	View  string // batch (default) or item
	State string
	Left  string // "24h": only what ends within a day
	Dept  uint64
	Text  string
	Page  int
	Size  int
}

func (q BinQuery) path(base string) string {
	v := url.Values{}
	set := func(name, value, usual string) {
		if value != usual {
			v.Set(name, value)
		}
	}
	set("view", q.View, "")
	set("state", q.State, "")
	set("left", q.Left, "")
	set("dept", strconv.FormatUint(q.Dept, 10), "0")
	set("q", q.Text, "")
	set("size", strconv.Itoa(q.Size), "0")
	set("page", strconv.Itoa(max(q.Page, 1)), "1")
	if len(v) == 0 {
		return base
	}
	return base + "?" + v.Encode()
}
