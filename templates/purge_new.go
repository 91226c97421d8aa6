package templates

import (
	"context"
	"strings"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

func purgeNewFacts(ctx context.Context, v PurgeNewView) []ui.Fact {
	return []ui.Fact{
		{Term: locale.T(ctx, "purge.source_batches"), Text: batchCodes(ctx, v.Batches), Mono: true},
		{Term: locale.T(ctx, "purge.goes_on_list"), Text: locale.T(ctx, "common.conversations", v.Size)},
		{Term: locale.T(ctx, "purge.left_out"), Text: purgeReasons(ctx, v.Excluded)},
		{Term: locale.T(ctx, "purge.scope_kind"), Text: locale.T(ctx, v.ScopeKey)},
	}
}

func batchCodes(ctx context.Context, batches []PurgeBatch) string {
	codes := make([]string, len(batches))
	for i, b := range batches {
		codes[i] = b.Code
	}
	return strings.Join(codes, locale.T(ctx, "common.list_mark"))
}

func purgeCoolingText(ctx context.Context, v PurgeNewView) string {
	if v.Cooling == 0 {
		return locale.T(ctx, "purge.follows_no_cooling")
	}
	return locale.T(ctx, "purge.follows_cooling", int(v.Cooling.Hours()))
}

func purgeNothing(ctx context.Context, v PurgeNewView) string {
	if v.Size == 0 {
		return locale.T(ctx, "purge.nothing_on_list")
	}
	return ""
}
