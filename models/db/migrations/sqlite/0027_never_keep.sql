-- +goose Up
ALTER TABLE conversation ADD COLUMN personal SMALLINT NULL;
CREATE TABLE IF NOT EXISTS retention_never_keep (
  kind VARCHAR(16) NOT NULL PRIMARY KEY,
  since DATETIME NOT NULL
);
INSERT INTO retention_never_keep (kind, since) VALUES ('bank_card', CURRENT_TIMESTAMP), ('id_card', CURRENT_TIMESTAMP);
