package audit

import (
	"slices"
	"strings"
)

// The classes of actions: looking, changing what can be changed back, and what
// deserves a second look.
const (
	View   = "view"
	Change = "change"
	Danger = "danger"
)

var (
	viewing   = []string{"checked", "downloaded", "listed", "opened", "previewed", "printed", "read", "searched", "verified", "viewed"}
	dangerous = []string{"destroyed", "erased", "purged", "released", "unmasked"}
)

// Class tells the class of an action from its words. Everything about a purge, a
// key, the log itself or the clock is dangerous, except looking at it.
func Class(action string) string {
	noun, verb, _ := strings.Cut(action, ".")
	switch {
	case slices.Contains(dangerous, verb):
		return Danger
	case slices.Contains(viewing, verb):
		return View
	case noun == "purge" || noun == "key" || noun == "log" || noun == "clock", noun == "keys" && verb != "backed_up":
		return Danger
	}
	return Change
}
