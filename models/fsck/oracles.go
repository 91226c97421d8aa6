package fsck

// rowOracles are the promises that one query each can disprove.
var rowOracles = []oracle{
	// I1: four eyes.
	rows("I1", "fsck.purged_without_approval", `SELECT p.code FROM purge_request p WHERE p.purged > 0 AND p.state <> 'replayed' AND NOT EXISTS (
		SELECT 1 FROM approval a
		JOIN vote s ON s.approval_id = a.id AND s.stage = 0 AND s.role = 'supervisor' AND s.verdict = 'approve' AND s.root = p.root
		JOIN vote l ON l.approval_id = a.id AND l.stage = 1 AND l.role = 'legal' AND l.verdict = 'approve' AND l.root = p.root
		WHERE a.kind = 'purge' AND a.subject = p.id AND a.root = p.root AND s.at <= p.started_at AND l.at <= p.started_at
		AND s.person_id <> l.person_id AND s.person_id <> p.requester_person AND l.person_id <> p.requester_person)`),
	rows("I1", "fsck.person_voted_twice", `SELECT CONCAT(v.approval_id, '/', v.person_id) FROM vote v GROUP BY v.approval_id, v.person_id HAVING COUNT(*) > 1`),
	rows("I1", "fsck.code_used_twice", `SELECT CONCAT(v.user_id, '/', v.totp_step) FROM vote v GROUP BY v.user_id, v.totp_step HAVING COUNT(*) > 1`),
	rows("I1", "fsck.purged_by_two", `SELECT i.conversation_id FROM purge_item i WHERE i.state = 'purged' GROUP BY i.conversation_id HAVING COUNT(*) > 1`),

	// I2: exactness.
	rows("I2", "fsck.purged_but_there", `SELECT i.conversation_id FROM purge_item i JOIN conversation c ON c.id = i.conversation_id WHERE i.state = 'purged'`),
	rows("I2", "fsck.purged_without_tombstone", `SELECT i.conversation_id FROM purge_item i LEFT JOIN tombstone t ON t.conversation_id = i.conversation_id
		WHERE i.state = 'purged' AND (t.purge_id IS NULL OR t.purge_id <> i.purge_id)`),
	rows("I2", "fsck.tombstone_without_item", `SELECT t.conversation_id FROM tombstone t LEFT JOIN purge_item i ON i.conversation_id = t.conversation_id AND i.purge_id = t.purge_id AND i.state = 'purged'
		WHERE i.conversation_id IS NULL`),
	rows("I2", "fsck.manifest_not_settled", `SELECT p.code FROM purge_request p WHERE p.state IN ('done', 'done_with_exceptions') AND (
		p.size <> (SELECT COUNT(*) FROM purge_item i WHERE i.purge_id = p.id AND i.state IN ('purged', 'skipped'))
		OR p.purged <> (SELECT COUNT(*) FROM purge_item i WHERE i.purge_id = p.id AND i.state = 'purged')
		OR p.skipped <> (SELECT COUNT(*) FROM purge_item i WHERE i.purge_id = p.id AND i.state = 'skipped'))`),
	rows("I2", "fsck.skipped_and_gone", `SELECT i.conversation_id FROM purge_item i LEFT JOIN conversation c ON c.id = i.conversation_id
		LEFT JOIN tombstone t ON t.conversation_id = i.conversation_id WHERE i.state = 'skipped' AND i.reason <> 'gone' AND c.id IS NULL AND t.conversation_id IS NULL`),
	rows("I2", "fsck.skipped_without_reason", `SELECT i.conversation_id FROM purge_item i WHERE i.state = 'skipped' AND i.reason = ''`),

	// I3: a hold wins.
	rows("I3", "fsck.held_in_bin", `SELECT h.conversation_id FROM hold_item h JOIN legal_hold l ON l.id = h.hold_id AND l.released_at IS NULL
		JOIN conversation c ON c.id = h.conversation_id WHERE c.state NOT IN (1, 2, 6)
		AND NOT EXISTS (SELECT 1 FROM job j WHERE j.kind = 'hold.return' AND j.subject = l.id AND j.state IN ('queued', 'running'))`),
	rows("I3", "fsck.held_and_gone", `SELECT h.conversation_id FROM hold_item h JOIN legal_hold l ON l.id = h.hold_id AND l.released_at IS NULL
		LEFT JOIN conversation c ON c.id = h.conversation_id WHERE c.id IS NULL`),

	rows("I3", "fsck.purged_while_held", `SELECT h.conversation_id FROM hold_item h JOIN legal_hold l ON l.id = h.hold_id JOIN tombstone t ON t.conversation_id = h.conversation_id
		WHERE t.created_at >= l.created_at AND (l.released_at IS NULL OR t.created_at < l.released_at)`),
	// What was binned before its department was moved under the hold goes back by a job where it is much.
	rows("I3", "fsck.binned_while_held", `SELECT h.conversation_id FROM hold_item h JOIN legal_hold l ON l.id = h.hold_id
		JOIN bin_item i ON i.conversation_id = h.conversation_id JOIN bin_batch b ON b.id = i.batch_id
		WHERE i.state IN ('binned', 'frozen', 'purged') AND b.created_at >= l.created_at AND (l.released_at IS NULL OR b.created_at < l.released_at)
		AND (i.state = 'purged' OR NOT EXISTS (SELECT 1 FROM job j WHERE j.kind = 'hold.return' AND j.subject = l.id AND j.state IN ('queued', 'running')))`),

	// I4: an act and its entry are one.
	rows("I4", "fsck.request_without_leaf", `SELECT p.code FROM purge_request p WHERE p.requested_at IS NOT NULL AND
		(SELECT COUNT(*) FROM audit_leaf l WHERE l.action IN ('purge.requested', 'purge.emergency_requested') AND l.object = p.code AND l.result = 'ok') <> 1`),
	rows("I4", "fsck.votes_without_leaf", `SELECT p.code FROM purge_request p JOIN approval a ON a.kind = 'purge' AND a.subject = p.id WHERE
		(SELECT COUNT(*) FROM vote v WHERE v.approval_id = a.id) <>
		(SELECT COUNT(*) FROM audit_leaf l WHERE l.action IN ('purge.approved', 'purge.rejected') AND l.object = p.code AND l.result = 'ok')`),
	rows("I4", "fsck.hold_without_leaf", `SELECT h.code FROM legal_hold h WHERE
		(SELECT COUNT(*) FROM audit_leaf l WHERE l.action = 'hold.placed' AND l.object = h.code AND l.result = 'ok') <> 1`),
	// A single conversation's entry names the conversation, with the batch inside; that of a deletion request names the
	// request, and is looked at with it.
	rows("I4", "fsck.batch_without_leaf", `SELECT b.code FROM bin_batch b WHERE b.size > 1 AND b.kind <> 'subject' AND b.state <> 'draft' AND
		(SELECT COUNT(*) FROM audit_leaf l WHERE l.action IN ('batch.discarded', 'batch.started') AND l.object = b.code AND l.result = 'ok') <> 1`),
	rows("I4", "fsck.certificate_without_leaf", `SELECT c.code FROM certificate c LEFT JOIN audit_leaf l ON l.n = c.leaf AND l.action = 'certificate.issued' AND l.object = c.code
		WHERE l.n IS NULL`),

	// I5: whole or gone.
	rows("I5", "fsck.body_without_row", `SELECT b.id FROM conversation_body b LEFT JOIN conversation c ON c.id = b.id WHERE c.id IS NULL`),
	rows("I5", "fsck.row_without_body", `SELECT c.id FROM conversation c LEFT JOIN conversation_body b ON b.id = c.id WHERE b.id IS NULL`),
	rows("I5", "fsck.row_without_key", `SELECT c.id FROM conversation c LEFT JOIN conversation_key k ON k.id = c.id WHERE k.id IS NULL`),
	rows("I5", "fsck.key_without_row", `SELECT k.id FROM conversation_key k LEFT JOIN conversation c ON c.id = k.id WHERE c.id IS NULL`),
	rows("I5", "fsck.version_differs", `SELECT c.id FROM conversation c JOIN conversation_body b ON b.id = c.id WHERE b.version <> c.version`),
	rows("I5", "fsck.tag_without_row", `SELECT t.conversation_id FROM conversation_tag t LEFT JOIN conversation c ON c.id = t.conversation_id WHERE c.id IS NULL
		UNION SELECT r.conversation_id FROM removed_tag r LEFT JOIN conversation c ON c.id = r.conversation_id WHERE c.id IS NULL
		UNION SELECT l.conversation_id FROM tagged_list l LEFT JOIN conversation c ON c.id = l.conversation_id WHERE c.id IS NULL AND l.conversation_id <> 0`),
	rows("I5", "fsck.key_without_bucket", `SELECT k.id FROM conversation_key k LEFT JOIN key_bucket b ON b.id = k.bucket_id AND b.state <> 3 WHERE b.id IS NULL`),
	rows("I5", "fsck.bucket_too_full", `SELECT k.bucket_id FROM conversation_key k GROUP BY k.bucket_id HAVING COUNT(*) > 1024`),
	rows("I5", "fsck.leaf_shared", `SELECT DISTINCT k.bucket_id FROM conversation_key k WHERE k.leaf >= 0 GROUP BY k.bucket_id, k.leaf HAVING COUNT(*) > 1`),
	rows("I5", "fsck.leaf_not_given", `SELECT k.id FROM conversation_key k JOIN key_bucket b ON b.id = k.bucket_id WHERE k.leaf >= b.used AND b.state <> 3 OR k.leaf < -1`),
	rows("I5", "fsck.finished_without_certificate", `SELECT p.code FROM purge_request p LEFT JOIN certificate c ON c.purge_id = p.id
		WHERE p.state IN ('done', 'done_with_exceptions') AND c.id IS NULL`),
	rows("I5", "fsck.certificate_too_early", `SELECT c.code FROM certificate c JOIN purge_request p ON p.id = c.purge_id WHERE p.state NOT IN ('done', 'done_with_exceptions')`),

	// I9: a purge's touched buckets are destroyed.
	rows("I9", "fsck.bucket_left", `SELECT b.bucket_id FROM purge_bucket b JOIN purge_request p ON p.id = b.purge_id
		JOIN key_bucket k ON k.id = b.bucket_id WHERE p.state IN ('done', 'done_with_exceptions') AND k.state <> 3 AND k.slot <= b.slot`),
	rows("I9", "fsck.bucket_spared", `SELECT DISTINCT i.bucket_id FROM purge_item i JOIN purge_request p ON p.id = i.purge_id
		LEFT JOIN purge_bucket b ON b.purge_id = i.purge_id AND b.bucket_id = i.bucket_id
		WHERE i.state = 'purged' AND p.state IN ('done', 'done_with_exceptions') AND b.bucket_id IS NULL`),

	// I10: the bin's window.
	rows("I10", "fsck.bin_state_differs", `SELECT i.conversation_id FROM bin_item i LEFT JOIN conversation c ON c.id = i.conversation_id
		WHERE i.state IN ('binned', 'frozen') AND (c.id IS NULL OR c.state NOT IN (3, 4, 5) OR c.batch_id IS NULL OR c.batch_id <> i.batch_id)`),
	rows("I10", "fsck.binned_without_batch", `SELECT c.id FROM conversation c LEFT JOIN bin_item i ON i.batch_id = c.batch_id AND i.conversation_id = c.id AND i.state IN ('binned', 'frozen')
		WHERE c.state IN (3, 4, 5) AND i.conversation_id IS NULL`),
	// What a batch says of how far it is decides nothing by itself; still nobody may change it.
	rows("I10", "fsck.batch_state_differs", `SELECT b.code FROM bin_batch b WHERE
		b.state <> 'running' AND (b.moved + b.skipped <> b.size OR EXISTS (SELECT 1 FROM bin_item i WHERE i.batch_id = b.id AND i.state = 'pending'))
		OR b.state = 'running' AND EXISTS (SELECT 1 FROM audit_leaf l WHERE l.object = b.code AND l.action IN ('batch.discarded', 'batch.finished') AND l.result = 'ok')
		OR b.state <> 'running' AND EXISTS (SELECT 1 FROM audit_leaf l WHERE l.object = b.code AND l.action = 'batch.started' AND l.result = 'ok')
			AND NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.object = b.code AND l.action = 'batch.finished' AND l.result = 'ok')
		OR b.state = 'done' AND b.skipped > 0 OR b.state = 'partly_done' AND b.skipped = 0
		OR b.state = 'undone' AND EXISTS (SELECT 1 FROM bin_item i WHERE i.batch_id = b.id AND i.state IN ('binned', 'frozen', 'purged'))`),
	rows("I10", "fsck.purged_inside_window", `SELECT i.conversation_id FROM purge_item i JOIN bin_batch b ON b.id = i.batch_id JOIN purge_request p ON p.id = i.purge_id
		WHERE i.state = 'purged' AND p.incident = '' AND p.started_at < b.keep_until`),

	// I11: what a customer's deletion request reached is under seal while it is open, and nothing else is.
	rows("I11", "fsck.sealed_without_request", `SELECT c.id FROM conversation c WHERE c.state = 6 AND NOT EXISTS (
		SELECT 1 FROM subject_item i JOIN subject_request r ON r.id = i.request_id AND r.state = 'open' WHERE i.conversation_id = c.id)`),
	rows("I11", "fsck.request_not_sealed", `SELECT i.conversation_id FROM subject_item i JOIN subject_request r ON r.id = i.request_id AND r.state = 'open'
		JOIN conversation c ON c.id = i.conversation_id WHERE c.state IN (1, 2)`),
	rows("I11", "fsck.request_rests_unsealed", `SELECT i.conversation_id FROM subject_item i JOIN subject_request r ON r.id = i.request_id AND r.state = 'open'
		JOIN bin_item b ON b.conversation_id = i.conversation_id AND b.state IN ('binned', 'frozen') WHERE b.was_state <> 6`),
	rows("I11", "fsck.rests_sealed_without_request", `SELECT b.conversation_id FROM bin_item b WHERE b.state IN ('binned', 'frozen') AND b.was_state = 6 AND NOT EXISTS (
		SELECT 1 FROM subject_item i JOIN subject_request r ON r.id = i.request_id AND r.state = 'open' WHERE i.conversation_id = b.conversation_id)`),

	// I15: nothing comes back.
	rows("I15", "fsck.resurrected", `SELECT c.id FROM conversation c JOIN tombstone t ON t.platform = c.platform AND t.external_mac = c.external_mac`),
}
