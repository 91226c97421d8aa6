-- +goose Up
CREATE TABLE IF NOT EXISTS import_run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL UNIQUE,
  job_id BIGINT NOT NULL,
  owner_id BIGINT NOT NULL,
  department_id BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  asked VARCHAR(16) NOT NULL,
  format VARCHAR(16) NOT NULL,
  bytes BIGINT NOT NULL,
  tries INT NOT NULL,
  spool VARCHAR(32) NOT NULL UNIQUE,
  source BLOB NOT NULL,
  conversations BIGINT NOT NULL,
  messages BIGINT NOT NULL,
  duplicates BIGINT NOT NULL,
  events BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  recalled BIGINT NOT NULL,
  added_conversations BIGINT NOT NULL,
  added_messages BIGINT NOT NULL,
  purged_before BIGINT NOT NULL,
  details BLOB NOT NULL,
  created_at DATETIME NOT NULL,
  finished_at DATETIME NULL
);
CREATE INDEX IF NOT EXISTS import_run_owner ON import_run (owner_id, id);
