package templates

import (
	"context"
	"strings"

	"qingdang/templates/locale"
	"qingdang/templates/ui"
)

func purgeContext(ctx context.Context, v PurgeView) string {
	return strings.Join([]string{
		locale.T(ctx, "common.conversations", v.Size), purgeScope(ctx, v.Path, v.Paths), locale.T(ctx, "purge.requested_by", v.Requester.in(ctx)),
	}, " · ")
}

func purgeClosedText(ctx context.Context, v PurgeView) string {
	if lapse := v.Lapse.In(ctx); lapse != "" {
		return lapse
	}
	return locale.T(ctx, "purge.closed_text", v.ClosedBy, locale.Date(ctx, v.ClosedAt), v.ClosedReason)
}

func purgeManifestFacts(ctx context.Context, v PurgeView) []ui.Fact {
	facts := []ui.Fact{
		{Term: locale.T(ctx, "purge.frozen_at"), Text: locale.DateSec(ctx, v.FrozenAt) + " (" + locale.ZoneName(ctx, v.FrozenAt) + ")"},
		{Term: locale.T(ctx, "purge.source_batches"), Text: batchCodes(ctx, v.Batches), Mono: true},
		{Term: locale.T(ctx, "purge.last_messages"), Text: locale.Range(ctx, v.FirstAt, v.LastAt)},
		{Term: locale.T(ctx, "purge.reason"), Text: v.Reason},
		{Term: locale.T(ctx, "purge.fingerprint"), Body: purgeRoot(v.Root), Mono: true},
		{Term: locale.T(ctx, "purge.left_out"), Text: purgeReasons(ctx, v.Excluded)},
	}
	if len(v.Checks) > 0 {
		facts = append(facts, ui.Fact{Term: locale.T(ctx, "purge.rechecked"), Body: purgeIntact(v)})
	}
	return facts
}

func purgeAtOnceKey(v PurgeView) string {
	if v.LegalAtOnce {
		return "purge.at_once_agreed"
	}
	return "purge.at_once_asked"
}
