-- +goose Up
CREATE TABLE IF NOT EXISTS purge_request (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  request_key VARCHAR(64) NOT NULL,
  state VARCHAR(24) NOT NULL,
  phase VARCHAR(16) NOT NULL,
  requester_id BIGINT NOT NULL,
  requester_person BIGINT NOT NULL,
  requester_name VARCHAR(100) NOT NULL,
  requester_staff_no VARCHAR(64) NOT NULL,
  requester_role VARCHAR(16) NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  scope_kind VARCHAR(16) NOT NULL,
  excluded TEXT NOT NULL,
  cooling_hours INT NOT NULL,
  at_once SMALLINT NOT NULL,
  legal_at_once SMALLINT NOT NULL,
  root BLOB NOT NULL,
  size BIGINT NOT NULL,
  messages BIGINT NOT NULL,
  attachments BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  first_at DATETIME NULL,
  last_at DATETIME NULL,
  policy_version BLOB NOT NULL,
  mac BLOB NOT NULL,
  approval_id BIGINT NOT NULL,
  job_id BIGINT NOT NULL,
  worker VARCHAR(100) NOT NULL,
  purged BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  requested_at DATETIME NULL,
  expires_at DATETIME NULL,
  cooling_from DATETIME NULL,
  cooling_until DATETIME NULL,
  due_at DATETIME NULL,
  confirmed_at DATETIME NULL,
  confirmed_by BIGINT NOT NULL,
  confirmed_person BIGINT NOT NULL,
  confirmed_name VARCHAR(100) NOT NULL,
  confirmed_staff_no VARCHAR(64) NOT NULL,
  confirmed_mac BLOB NULL,
  started_at DATETIME NULL,
  finished_at DATETIME NULL,
  closed_at DATETIME NULL,
  closed_by VARCHAR(100) NOT NULL,
  closed_reason VARCHAR(2000) NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS purge_request_code ON purge_request (code);
CREATE UNIQUE INDEX IF NOT EXISTS purge_request_request_key ON purge_request (request_key);
CREATE INDEX IF NOT EXISTS purge_request_state ON purge_request (state, id);
CREATE INDEX IF NOT EXISTS purge_request_requester ON purge_request (requester_id, id);
CREATE TABLE IF NOT EXISTS purge_batch (
  purge_id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  code VARCHAR(32) NOT NULL,
  residue_count BIGINT NOT NULL,
  residue_reason VARCHAR(2000) NOT NULL,
  residue TEXT NOT NULL,
  PRIMARY KEY (purge_id, batch_id)
);
CREATE INDEX IF NOT EXISTS purge_batch_batch ON purge_batch (batch_id);
CREATE TABLE IF NOT EXISTS purge_department (
  purge_id BIGINT NOT NULL,
  department_id BIGINT NOT NULL,
  path VARCHAR(700) NOT NULL,
  conversations BIGINT NOT NULL,
  messages BIGINT NOT NULL,
  attachments BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (purge_id, department_id)
);
CREATE INDEX IF NOT EXISTS purge_department_department ON purge_department (department_id);
CREATE TABLE IF NOT EXISTS purge_item (
  purge_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  version INT NOT NULL,
  digest BLOB NOT NULL,
  department_id BIGINT NOT NULL,
  service_type VARCHAR(32) NOT NULL,
  platform VARCHAR(32) NOT NULL,
  bucket_id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  messages INT NOT NULL,
  attachments INT NOT NULL,
  bytes BIGINT NOT NULL,
  last_at DATETIME NOT NULL,
  state VARCHAR(16) NOT NULL,
  reason VARCHAR(32) NOT NULL,
  PRIMARY KEY (purge_id, seq)
);
CREATE UNIQUE INDEX IF NOT EXISTS purge_item_conversation ON purge_item (purge_id, conversation_id);
CREATE INDEX IF NOT EXISTS purge_item_by_conversation ON purge_item (conversation_id);
CREATE INDEX IF NOT EXISTS purge_item_state ON purge_item (purge_id, state, reason);
CREATE TABLE IF NOT EXISTS purge_bucket (
  purge_id BIGINT NOT NULL,
  bucket_id BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  survivors INT NOT NULL,
  destroyed_at DATETIME NULL,
  PRIMARY KEY (purge_id, bucket_id)
);
CREATE INDEX IF NOT EXISTS purge_bucket_bucket ON purge_bucket (bucket_id);
CREATE TABLE IF NOT EXISTS certificate (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  purge_id BIGINT NOT NULL,
  leaf BIGINT NOT NULL,
  body BLOB NOT NULL,
  digest BLOB NOT NULL,
  file BLOB NULL,
  issued_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS certificate_code ON certificate (code);
CREATE UNIQUE INDEX IF NOT EXISTS certificate_by_purge ON certificate (purge_id);
