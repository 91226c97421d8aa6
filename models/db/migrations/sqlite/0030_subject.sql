-- +goose Up
CREATE TABLE IF NOT EXISTS subject_request (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  customer_mac BLOB NOT NULL,
  sealed BLOB NOT NULL,
  reference VARCHAR(100) NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  received_at DATETIME NOT NULL,
  answer_by DATETIME NOT NULL,
  size BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  creator_person BIGINT NOT NULL,
  creator_name VARCHAR(100) NOT NULL,
  created_at DATETIME NOT NULL,
  ended_by BIGINT NOT NULL,
  ended_person BIGINT NOT NULL,
  ended_name VARCHAR(100) NOT NULL,
  end_reason VARCHAR(2000) NOT NULL,
  ended_at DATETIME NULL,
  open_slot BLOB NULL,
  request_key VARCHAR(64) NULL,
  mac BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS subject_request_code ON subject_request (code);
CREATE UNIQUE INDEX IF NOT EXISTS subject_request_open ON subject_request (open_slot);
CREATE UNIQUE INDEX IF NOT EXISTS subject_request_by_key ON subject_request (request_key);
CREATE TABLE IF NOT EXISTS subject_item (
  request_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  department_id BIGINT NOT NULL,
  was_state SMALLINT NOT NULL,
  binned_at DATETIME NULL,
  PRIMARY KEY (request_id, conversation_id)
);
CREATE INDEX IF NOT EXISTS subject_item_conversation ON subject_item (conversation_id);
