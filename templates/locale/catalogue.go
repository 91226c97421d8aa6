package locale

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed zh-CN/*.json en/*.json
var files embed.FS

// Key is an argument of T that is itself a key and is translated in its turn.
type Key string

// pluralOne ends the key of an English text that is used when its first
// argument is 1. Chinese has no such form.
const pluralOne = ".one"

// T returns the text of key in the language of ctx with {0}, {1} … replaced by
// args: numbers grouped, times and durations in the formats of this package,
// everything else as it prints. A key that is not in the catalogue comes back as
// ⟦key⟧, so that it is seen.
func T(ctx context.Context, key string, args ...any) string {
	texts := catalogues().texts[Of(ctx)]
	text, ok := texts[key]
	if Of(ctx) == English && len(args) > 0 && isOne(args[0]) {
		if one, has := texts[key+pluralOne]; has {
			text, ok = one, true
		}
	}
	if !ok {
		return "⟦" + key + "⟧"
	}
	return fill(ctx, text, args)
}

// Has tells whether key is in the catalogue of every language.
func Has(key string) bool {
	for _, lang := range Languages() {
		if _, ok := catalogues().texts[lang][key]; !ok {
			return false
		}
	}
	return true
}

// roomForArguments is for those of most texts: names and numbers.
const roomForArguments = 48

func fill(ctx context.Context, text string, args []any) string {
	if len(args) == 0 {
		return text
	}
	// By hand: making a replacer for every text takes longer than all of what it does.
	var b strings.Builder
	b.Grow(len(text) + roomForArguments)
	for {
		before, behind, found := strings.Cut(text, "{")
		if b.WriteString(before); !found {
			return b.String()
		}
		place, rest, _ := strings.Cut(behind, "}")
		n, err := strconv.Atoi(place)
		if err != nil || n < 0 || n >= len(args) || !strings.HasPrefix(behind, strconv.Itoa(n)+"}") {
			b.WriteByte('{')
			text = behind
			continue
		}
		b.WriteString(show(ctx, args[n]))
		text = rest
	}
}

func show(ctx context.Context, arg any) string {
	switch v := arg.(type) {
	case string:
		return v
	case Key:
		return T(ctx, string(v))
	case time.Time:
		return Date(ctx, v)
	case time.Duration:
		return Duration(ctx, v)
	case int:
		return N(ctx, v)
	case int64:
		return N(ctx, v)
	case uint64:
		return N(ctx, v)
	default:
		return fmt.Sprint(v)
	}
}

func isOne(arg any) bool {
	switch v := arg.(type) {
	case int:
		return v == 1
	case int64:
		return v == 1
	case uint64:
		return v == 1
	}
	return false
}

// loaded is what the embedded files held. A file that cannot be read shows as
// missing keys on the page and as a failing test, never as a program that will
// not start.
type loaded struct {
	texts map[Lang]map[string]string
	err   error
}

var catalogues = sync.OnceValue(load)

func load() loaded {
	out := loaded{texts: map[Lang]map[string]string{}}
	for _, lang := range Languages() {
		texts := map[string]string{}
		out.texts[lang] = texts
		entries, err := files.ReadDir(string(lang))
		if err != nil {
			out.err = errors.Join(out.err, err)
			continue
		}
		for _, entry := range entries {
			out.err = errors.Join(out.err, loadArea(texts, path.Join(string(lang), entry.Name())))
		}
	}
	return out
}

func loadArea(texts map[string]string, name string) error {
	raw, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	var area map[string]string
	if err := json.Unmarshal(raw, &area); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for key, text := range area {
		if _, twice := texts[key]; twice {
			err = errors.Join(err, fmt.Errorf("%s: key %q is in another area too", name, key))
		}
		texts[key] = text
	}
	return err
}
