// Package locale owns the words and the formats of the console. A page asks for a
// word by key; the language and the time zone travel in the request's context.
// zh-CN is the reference, en is complete; each area of the console has one small
// JSON file per language.
package locale

import (
	"context"
	"time"

	"golang.org/x/text/language"
)

// Lang is a language of the console, written as in <html lang>.
type Lang string

// The languages of the console.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// Languages lists the languages of the console, the reference first.
func Languages() []Lang { return []Lang{Chinese, English} }

// OrganisationZone is where the organisation lives unless its settings say
// otherwise. It has no daylight saving, so no zone database is needed.
var OrganisationZone = time.FixedZone("UTC+8", 8*60*60)

type contextKey struct{}

type choice struct {
	lang Lang
	zone *time.Location
}

// With returns a context whose words are in lang and whose times are shown in
// zone. A nil zone means OrganisationZone; an unknown language means Chinese.
func With(ctx context.Context, lang Lang, zone *time.Location) context.Context {
	if lang != English {
		lang = Chinese
	}
	if zone == nil {
		zone = OrganisationZone
	}
	return context.WithValue(ctx, contextKey{}, choice{lang, zone})
}

// Of returns the language of ctx, Chinese unless With chose another.
func Of(ctx context.Context) Lang { return chosen(ctx).lang }

// Zone returns the time zone of ctx, OrganisationZone unless With chose another.
func Zone(ctx context.Context) *time.Location { return chosen(ctx).zone }

func chosen(ctx context.Context) choice {
	if c, ok := ctx.Value(contextKey{}).(choice); ok {
		return c
	}
	return choice{Chinese, OrganisationZone}
}

var matcher = language.NewMatcher([]language.Tag{language.SimplifiedChinese, language.English})

// Match returns the language that fits the wishes best, strongest wish first:
// the profile, then the cookie, then Accept-Language. Empty and malformed wishes
// are passed over; without any the answer is Chinese.
func Match(wishes ...string) Lang {
	for _, wish := range wishes {
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, sure := matcher.Match(tags...); sure != language.No {
			return Languages()[i]
		}
	}
	return Chinese
}
