-- +goose Up
-- Rows from before this migration have no code; the program seals them at its next start, where the log says the same.
ALTER TABLE bin_batch ADD COLUMN mac BLOB NULL;
ALTER TABLE bin_raise ADD COLUMN mac BLOB NULL;
