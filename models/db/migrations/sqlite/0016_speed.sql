-- +goose Up
-- Every index is paid for by imports, moves and purges: nobody searches by level, and the state of
-- an item changes while its purge and its reason seldom do.
DROP INDEX IF EXISTS conversation_l1_last;
DROP INDEX IF EXISTS conversation_l2_last;
DROP INDEX IF EXISTS conversation_l3_last;
DROP INDEX IF EXISTS bin_item_by_purge;
CREATE INDEX IF NOT EXISTS bin_item_by_purge ON bin_item (purge_id);
DROP INDEX IF EXISTS purge_item_state;
CREATE INDEX IF NOT EXISTS purge_item_by_reason ON purge_item (purge_id, reason);
