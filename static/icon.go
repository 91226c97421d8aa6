package static

import (
	"strings"
	"sync"
)

var icons = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(string(read("vendor/icons.txt"))) {
		if name, inner, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			m[name] = inner
		}
	}
	return m
})

// Icon returns what stands inside the <svg> of an outline icon, and whether
// there is an icon of that name. To add one, add its name to icons.list and run
// vendor.sh.
func Icon(name string) (string, bool) {
	inner, ok := icons()[name]
	return inner, ok
}
