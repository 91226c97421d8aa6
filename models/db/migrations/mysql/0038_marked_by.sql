-- +goose Up
-- By which list of words to look out for the archive is marked, and up to which conversation. No row: nobody has been
-- through it since there is this table.
CREATE TABLE IF NOT EXISTS marked_by (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  list INT UNSIGNED NOT NULL,
  upto BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
