-- +goose Up
CREATE TABLE IF NOT EXISTS import_run (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  job_id BIGINT UNSIGNED NOT NULL,
  owner_id BIGINT UNSIGNED NOT NULL,
  state VARCHAR(16) NOT NULL,
  format VARCHAR(16) NOT NULL,
  conversations BIGINT NOT NULL,
  messages BIGINT NOT NULL,
  duplicates BIGINT NOT NULL,
  events BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  recalled BIGINT NOT NULL,
  added_conversations BIGINT NOT NULL,
  added_messages BIGINT NOT NULL,
  purged_before BIGINT NOT NULL,
  details MEDIUMBLOB NOT NULL,
  created_at DATETIME(6) NOT NULL,
  finished_at DATETIME(6) NULL,
  KEY owner (owner_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
