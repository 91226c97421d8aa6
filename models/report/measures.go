package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"qingdang/models/db"
	"qingdang/models/retention"
)

const (
	held = "EXISTS (SELECT 1 FROM hold_item h JOIN legal_hold l ON l.id = h.hold_id WHERE h.conversation_id = conversation.id AND l.released_at IS NULL)"

	binned     = "bin_item JOIN bin_batch ON bin_batch.id = bin_item.batch_id"
	purgedRows = "purge_item JOIN purge_request ON purge_request.id = purge_item.purge_id"
)

// logged counts entries of the audit log.
func logged(key, value, where string) measure {
	return measure{key: key, unit: UnitCount, value: value, from: logTable, where: where, at: "audit_leaf.at", by: map[string]string{
		byDepartment: "audit_leaf.department_id", byPerson: "audit_leaf.actor_id", byRole: "audit_leaf.actor_role",
	}}
}

// done counts entries about acts that were done, refused ones those that were refused.
func done(key string, actions ...string) measure {
	return logged(key, "COUNT(*)", anyOf(actions)+" AND result = 'ok'")
}

func items(key string, actions ...string) measure {
	return logged(key, "SUM(item_count)", anyOf(actions)+" AND result = 'ok'")
}

func anyOf(actions []string) string { return "action IN ('" + strings.Join(actions, "', '") + "')" }

// kept counts conversations that are there.
func kept(key, value, where string, args ...any) measure {
	return measure{key: key, unit: UnitCount, value: value, from: "conversation", where: where, args: args, by: map[string]string{
		byDepartment: "conversation.department_id", byClass: "conversation.service_type",
	}}
}

func inBin(key, value, where string, args ...any) measure {
	return measure{key: key, unit: UnitCount, value: value, from: binned, where: where, args: args, by: map[string]string{byDepartment: "bin_item.department_id"}}
}

func (m measure) bytes() measure {
	m.unit = UnitBytes
	return m
}

func (m measure) during(at string) measure {
	m.at = at
	return m
}

// measures are all numbers of all statements.
func (c *counting) measures() map[string]measure {
	now := db.Instant(c.tx.Now)
	within, withinArgs := c.policy.Condition(now)
	longAgo, longArgs := c.policy.Condition(now.AddDate(-1, 0, 0))
	target, targetArgs := c.policy.OverdueCondition(retention.Target, now)
	ceiling, ceilingArgs := c.policy.OverdueCondition(retention.Ceiling, now)
	free := "conversation.state IN (1, 2) AND NOT " + within + " AND NOT " + held
	list := []measure{
		logged("entries", "COUNT(*)", ""),
		logged("refused", "COUNT(*)", "result = 'refused'"),
		logged("failed", "COUNT(*)", "result = 'failed'"),
		done("searches", "conversation.searched"),
		done("opened", "conversation.opened"),
		done("unmasked", actUnmasked),
		done("access_asked", "access.requested"),
		done("access_granted", actAccess),
		logged("access_uses", "COUNT(*)", anyOf(reading)+" AND result = 'ok' AND INSTR(leaf, '\"access\":\"DY-') > 0"),
		done("exports", "export.requested"),
		items("exported", "export.made"),
		logged("downloads", "COUNT(*)", "(action LIKE '%downloaded' OR "+anyOf(taken)+") AND result = 'ok'"),
		logged("actors", distinctActors, "actor_id <> 0"),
		logged("denied", "COUNT(*)", "action IN ('access.denied', 'login.refused', 'code.refused', 'password.refused')"),
		logged("accounts_changed", "COUNT(*)", "action LIKE 'account.%' AND result = 'ok'"),
		items("erased_log", actErased),
		done("holds_placed", actHeld),
		done("purges_requested", "purge.requested"),
		done("purges_rejected", actRejected),
		done("certificates", actIssued),
		done("checks", actChecked),

		kept("kept", "COUNT(*)", ""),
		kept("kept_bytes", "SUM(conversation.bytes)", "").bytes(),
		kept("messages", "SUM(conversation.messages)", ""),
		kept("attachments", "SUM(conversation.attachments)", ""),
		kept("arrived", "COUNT(*)", "").during("conversation.created_at"),
		kept("arrived_bytes", "SUM(conversation.bytes)", "").during("conversation.created_at").bytes(),
		kept("arrived_attachments", "SUM(conversation.attachments)", "").during("conversation.created_at"),
		kept("in_bin", "COUNT(*)", "conversation.state IN (3, 4, 5)"),
		kept("sealed", "COUNT(*)", "conversation.state = 6"),
		kept("held", "COUNT(*)", held),
		kept("within", "COUNT(*)", within, withinArgs...),
		kept("due", "COUNT(*)", free, withinArgs...),
		kept("due_year", "COUNT(*)", "conversation.state IN (1, 2) AND NOT "+longAgo+" AND NOT "+held, longArgs...),
		kept("due_bytes", "SUM(conversation.bytes)", free, withinArgs...).bytes(),
		kept("past_target", "COUNT(*)", target, targetArgs...),
		kept("past_ceiling", "COUNT(*)", ceiling, ceilingArgs...),
		kept("never_keep", "COUNT(*)", "conversation.personal & ? <> 0", int(c.policy.NeverKeep)),
		kept("purge_frees", "COUNT(*)", "conversation.state IN (3, 4, 5) AND NOT "+held),
		kept("purge_frees_bytes", "SUM(conversation.bytes)", "conversation.state IN (3, 4, 5) AND NOT "+held).bytes(),

		inBin("binned_in", "COUNT(*)", "bin_item.state NOT IN ('pending', 'skipped')").during("bin_batch.created_at"),
		inBin("restored_in", "COUNT(*)", "bin_item.state = 'restored'").during("bin_item.changed_at"),
		inBin("resting", "COUNT(*)", "bin_item.state IN ('binned', 'frozen')"),
		inBin("resting_bytes", "SUM(bin_item.bytes)", "bin_item.state IN ('binned', 'frozen')").bytes(),
		inBin("frozen", "COUNT(*)", "bin_item.state = 'frozen'"),
		inBin("overdue", "COUNT(*)", "bin_item.state = 'binned' AND bin_batch.keep_until <= ?", now),
		{
			key: "erased_rows", unit: UnitCount, value: "COUNT(*)", from: "tombstone", at: "tombstone.created_at",
			by: map[string]string{byDepartment: "tombstone.department_id"},
		},
		erased("erased_items", "COUNT(*)"), erased("erased_messages", "SUM(purge_item.messages)"), erased("erased_bytes", "SUM(purge_item.bytes)").bytes(),
	}
	out := make(map[string]measure, len(list))
	for _, m := range list {
		out[m.key] = m
	}
	return out
}

// erased counts what purges begun in the period destroyed.
func erased(key, value string) measure {
	return measure{key: key, unit: UnitCount, value: value, from: purgedRows, where: "purge_item.state = 'purged'", at: "purge_request.started_at", by: map[string]string{
		byDepartment: "purge_item.department_id", byClass: "purge_item.service_type",
	}}
}

// measure gives one by its key; a key that nobody defined is a mistake of the program.
func (c *counting) measure(key string) measure {
	if c.known == nil {
		c.known = c.measures()
	}
	m, ok := c.known[key]
	if !ok {
		panic(fmt.Sprintf("report: no measure %q", key))
	}
	return m
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
