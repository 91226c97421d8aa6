-- +goose Up
-- Which kinds of personal data a conversation's body holds, as bits; NULL where nobody has looked yet. A column
-- at the end without a value is added without touching the rows.
ALTER TABLE conversation ADD COLUMN personal SMALLINT UNSIGNED NULL;
-- The kinds of data that must not be kept.
CREATE TABLE IF NOT EXISTS retention_never_keep (
  kind VARCHAR(16) NOT NULL PRIMARY KEY,
  since DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO retention_never_keep (kind, since) VALUES ('bank_card', UTC_TIMESTAMP(6)), ('id_card', UTC_TIMESTAMP(6));
