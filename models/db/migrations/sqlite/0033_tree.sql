-- +goose Up
-- A bucket lies under the slot of the key store that has its own number, until a purge takes something out of it; from then on
-- under others, and tree says what of it can be reached from there. A conversation's key has a place in its bucket, its leaf; -1 are
-- those of before, which their bucket's key itself wraps.
ALTER TABLE key_bucket ADD COLUMN slot BIGINT NOT NULL DEFAULT 0;
ALTER TABLE key_bucket ADD COLUMN tree BLOB NULL;
UPDATE key_bucket SET slot = id;
CREATE UNIQUE INDEX key_bucket_slot ON key_bucket (slot);
ALTER TABLE conversation_key ADD COLUMN leaf SMALLINT NOT NULL DEFAULT -1;
CREATE INDEX conversation_key_place ON conversation_key (bucket_id, leaf);
DROP INDEX conversation_key_bucket;
-- Of a purge that is under way the survivors have moved to another bucket; its file names each of them.
ALTER TABLE purge_bucket ADD COLUMN slot BIGINT NOT NULL DEFAULT 0;
ALTER TABLE purge_bucket ADD COLUMN lifted INT NOT NULL DEFAULT 0;
UPDATE purge_bucket SET slot = bucket_id, lifted = survivors WHERE state <> 'touched';
ALTER TABLE purge_item ADD COLUMN leaf SMALLINT NOT NULL DEFAULT -1;
