-- +goose Up
-- By which list of words to look out for the archive is marked, and up to which conversation. No row: nobody has been
-- through it since there is this table.
CREATE TABLE IF NOT EXISTS marked_by (
  id INTEGER NOT NULL PRIMARY KEY,
  list BIGINT NOT NULL,
  upto BIGINT NOT NULL
);
