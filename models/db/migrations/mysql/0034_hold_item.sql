-- +goose Up
-- The code over an item; those of holds that were placed before this migration have none.
ALTER TABLE hold_item ADD COLUMN mac BINARY(16) NULL;
