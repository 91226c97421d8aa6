-- +goose Up
-- A bucket lies under the slot of the key store that has its own number, until a purge takes something out of it; from then on
-- under others, and tree says what of it can be reached from there. A conversation's key has a place in its bucket, its leaf; -1 are
-- those of before, which their bucket's key itself wraps.
ALTER TABLE key_bucket ADD COLUMN slot BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN tree BLOB NULL;
UPDATE key_bucket SET slot = id;
ALTER TABLE key_bucket ADD UNIQUE KEY slot (slot);
ALTER TABLE conversation_key ADD COLUMN leaf SMALLINT NOT NULL DEFAULT -1;
ALTER TABLE conversation_key ADD KEY place (bucket_id, leaf), DROP KEY bucket;
-- Of a purge that is under way the survivors have moved to another bucket; its file names each of them.
ALTER TABLE purge_bucket ADD COLUMN slot BIGINT UNSIGNED NOT NULL DEFAULT 0, ADD COLUMN lifted INT NOT NULL DEFAULT 0;
UPDATE purge_bucket SET slot = bucket_id, lifted = survivors WHERE state <> 'touched';
ALTER TABLE purge_item ADD COLUMN leaf SMALLINT NOT NULL DEFAULT -1;
