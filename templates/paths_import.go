package templates

import "strconv"

// Addresses of imports and of the work queue.
const (
	ImportsPath   = "/imports"
	ImportNewPath = "/imports/new"
	JobsPath      = "/jobs"
)

// ImportPath is the page of one import.
func ImportPath(run uint64) string { return ImportsPath + "/" + strconv.FormatUint(run, 10) }

// ImportStatePath is its state and report alone.
func ImportStatePath(run uint64) string { return ImportPath(run) + "/state" }

// ImportRejectsPath is the list of what was not taken, as a file.
func ImportRejectsPath(run uint64) string { return ImportPath(run) + "/rejects.csv" }

// ImportCancelPath is where an import is cancelled.
func ImportCancelPath(run uint64) string { return ImportPath(run) + "/cancel" }

// ImportListPath is the list of imports before one of them; 0 is the newest.
func ImportListPath(before uint64) string {
	if before == 0 {
		return ImportsPath
	}
	return ImportsPath + "?before=" + strconv.FormatUint(before, 10)
}

// JobPath is the page of one job.
func JobPath(job uint64) string { return JobsPath + "/" + strconv.FormatUint(job, 10) }

// JobListPath is the queue; the state "" is what is not over.
func JobListPath(state string, before uint64) string {
	path := JobsPath
	sign := "?"
	if state != "" {
		path += sign + "state=" + state
		sign = "&"
	}
	if before != 0 {
		path += sign + "before=" + strconv.FormatUint(before, 10)
	}
	return path
}
