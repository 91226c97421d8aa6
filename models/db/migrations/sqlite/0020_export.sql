-- +goose Up
CREATE TABLE IF NOT EXISTS export (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  format VARCHAR(8) NOT NULL,
  mask VARCHAR(8) NOT NULL,
  purpose VARCHAR(200) NOT NULL,
  owner_id BIGINT NOT NULL,
  owner_person BIGINT NOT NULL,
  owner_name VARCHAR(100) NOT NULL,
  owner_staff_no VARCHAR(64) NOT NULL,
  sealed BLOB NOT NULL,
  outside SMALLINT NOT NULL,
  recipient_key VARCHAR(4000) NOT NULL,
  hold_id BIGINT NOT NULL,
  batch_id BIGINT NOT NULL,
  days INT NOT NULL,
  lang VARCHAR(8) NOT NULL,
  root BLOB NOT NULL,
  approval_id BIGINT NOT NULL,
  job_id BIGINT NOT NULL,
  request_key VARCHAR(64) NULL,
  bucket_id BIGINT NOT NULL,
  secret BLOB NULL,
  secret_key BLOB NULL,
  asked BIGINT NOT NULL,
  matched BIGINT NOT NULL,
  day_before BIGINT NOT NULL,
  size BIGINT NOT NULL,
  written BIGINT NOT NULL,
  left_out BIGINT NOT NULL,
  unreadable BIGINT NOT NULL,
  messages BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  parts INT NOT NULL,
  manifest_root BLOB NULL,
  file_sha256 BLOB NULL,
  created_at DATETIME NOT NULL,
  answer_until DATETIME NULL,
  frozen_at DATETIME NULL,
  ready_at DATETIME NULL,
  expires_at DATETIME NULL,
  fetched_at DATETIME NULL,
  key_gone_at DATETIME NULL,
  closed_at DATETIME NULL,
  closed_by BIGINT NOT NULL,
  closed_name VARCHAR(100) NOT NULL,
  closed_reason VARCHAR(1000) NOT NULL,
  mac BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS export_code ON export (code);
CREATE UNIQUE INDEX IF NOT EXISTS export_request_key ON export (request_key);
CREATE INDEX IF NOT EXISTS export_owner ON export (owner_id, id);
CREATE INDEX IF NOT EXISTS export_state ON export (state, id);
CREATE TABLE IF NOT EXISTS export_item (
  export_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  code VARCHAR(32) NOT NULL,
  department_id BIGINT NOT NULL,
  version INT NOT NULL,
  digest BLOB NOT NULL,
  state SMALLINT NOT NULL,
  reason VARCHAR(16) NOT NULL,
  part INT NOT NULL,
  PRIMARY KEY (export_id, seq)
);
CREATE INDEX IF NOT EXISTS export_item_part ON export_item (export_id, part);
CREATE INDEX IF NOT EXISTS export_item_conversation ON export_item (conversation_id);
CREATE TABLE IF NOT EXISTS export_department (
  export_id BIGINT NOT NULL,
  department_id BIGINT NOT NULL,
  conversations BIGINT NOT NULL,
  PRIMARY KEY (export_id, department_id)
);
CREATE TABLE IF NOT EXISTS export_part (
  export_id BIGINT NOT NULL,
  n INT NOT NULL,
  file VARCHAR(100) NOT NULL,
  bytes BIGINT NOT NULL,
  sha256 BLOB NOT NULL,
  plain_bytes BIGINT NOT NULL,
  plain_sha256 BLOB NOT NULL,
  first_seq BIGINT NOT NULL,
  last_seq BIGINT NOT NULL,
  conversations BIGINT NOT NULL,
  messages BIGINT NOT NULL,
  replaced BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (export_id, n)
);
CREATE INDEX IF NOT EXISTS export_part_plain ON export_part (plain_sha256);
CREATE TABLE IF NOT EXISTS export_grant (
  export_id BIGINT NOT NULL PRIMARY KEY,
  token BLOB NOT NULL,
  passphrase BLOB NOT NULL,
  user_id BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL
);
