-- +goose Up
CREATE TABLE IF NOT EXISTS bin_draft (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner_id BIGINT NOT NULL,
  form TEXT NOT NULL,
  frozen_at DATETIME NULL,
  frozen_count BIGINT NOT NULL,
  fingerprint BLOB NULL,
  batch_id BIGINT NULL,
  created_at DATETIME NOT NULL,
  changed_at DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS bin_draft_owner ON bin_draft (owner_id, id);
CREATE INDEX IF NOT EXISTS bin_draft_by_batch ON bin_draft (batch_id);
CREATE TABLE IF NOT EXISTS bin_draft_item (
  draft_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  version INT NOT NULL,
  PRIMARY KEY (draft_id, conversation_id)
);
CREATE TABLE IF NOT EXISTS bin_batch (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  request_key VARCHAR(64) NOT NULL,
  state VARCHAR(16) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  owner_id BIGINT NOT NULL,
  owner_person BIGINT NOT NULL,
  owner_name VARCHAR(100) NOT NULL,
  scope TEXT NOT NULL,
  scope_kind VARCHAR(16) NOT NULL,
  department_id BIGINT NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  residue TEXT NOT NULL,
  residue_count BIGINT NOT NULL,
  residue_reason VARCHAR(2000) NOT NULL,
  excluded TEXT NOT NULL,
  size BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  moved BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  fingerprint BLOB NOT NULL,
  keep_until DATETIME NOT NULL,
  extended_at DATETIME NULL,
  drafted_at DATETIME NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS bin_batch_code ON bin_batch (code);
CREATE UNIQUE INDEX IF NOT EXISTS bin_batch_request_key ON bin_batch (request_key);
CREATE INDEX IF NOT EXISTS bin_batch_keep ON bin_batch (state, keep_until);
CREATE INDEX IF NOT EXISTS bin_batch_department ON bin_batch (department_id);
CREATE INDEX IF NOT EXISTS bin_batch_owner ON bin_batch (owner_id);
CREATE TABLE IF NOT EXISTS bin_item (
  batch_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  department_id BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  was_state SMALLINT NOT NULL,
  version INT NOT NULL,
  reason VARCHAR(32) NOT NULL,
  bytes BIGINT NOT NULL,
  purge_id BIGINT NULL,
  changed_at DATETIME NOT NULL,
  PRIMARY KEY (batch_id, conversation_id)
);
CREATE INDEX IF NOT EXISTS bin_item_conversation ON bin_item (conversation_id);
CREATE INDEX IF NOT EXISTS bin_item_state ON bin_item (state, batch_id, department_id, bytes);
CREATE INDEX IF NOT EXISTS bin_item_by_purge ON bin_item (purge_id, state);
