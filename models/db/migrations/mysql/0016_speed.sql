-- +goose Up
-- Every index is paid for by imports, moves and purges: nobody searches by level, and the state of
-- an item changes while its purge and its reason seldom do.
ALTER TABLE conversation DROP INDEX l1_last, DROP INDEX l2_last, DROP INDEX l3_last;
ALTER TABLE bin_item DROP INDEX by_purge, ADD INDEX by_purge (purge_id);
ALTER TABLE purge_item DROP INDEX state, ADD INDEX by_reason (purge_id, reason);
