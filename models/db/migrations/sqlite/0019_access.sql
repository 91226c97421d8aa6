-- +goose Up
CREATE TABLE IF NOT EXISTS access_grant (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  department_id BIGINT NOT NULL,
  sub SMALLINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  conversation_code VARCHAR(32) NOT NULL,
  customer_mac BLOB NULL,
  sealed BLOB NULL,
  from_at DATETIME NULL,
  to_at DATETIME NULL,
  reason VARCHAR(1000) NOT NULL,
  days INT NOT NULL,
  asker_id BIGINT NOT NULL,
  asker_person BIGINT NOT NULL,
  asker_name VARCHAR(100) NOT NULL,
  asker_staff_no VARCHAR(64) NOT NULL,
  asker_role VARCHAR(16) NOT NULL,
  asked_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  root BLOB NOT NULL,
  approval_id BIGINT NOT NULL,
  approver_id BIGINT NOT NULL,
  approver_person BIGINT NOT NULL,
  approver_name VARCHAR(100) NOT NULL,
  approver_staff_no VARCHAR(64) NOT NULL,
  approver_role VARCHAR(16) NOT NULL,
  opinion VARCHAR(1000) NOT NULL,
  decided_at DATETIME NULL,
  ends_at DATETIME NULL,
  closed_by BIGINT NOT NULL,
  closed_name VARCHAR(100) NOT NULL,
  closed_why VARCHAR(16) NOT NULL,
  closed_reason VARCHAR(1000) NOT NULL,
  closed_at DATETIME NULL,
  request_key VARCHAR(64) NULL,
  mac BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS access_grant_code ON access_grant (code);
CREATE UNIQUE INDEX IF NOT EXISTS access_grant_request_key ON access_grant (request_key);
CREATE INDEX IF NOT EXISTS access_grant_asker ON access_grant (asker_id, state);
CREATE INDEX IF NOT EXISTS access_grant_state ON access_grant (state, id);
CREATE TABLE IF NOT EXISTS access_department (
  grant_id BIGINT NOT NULL,
  department_id BIGINT NOT NULL,
  PRIMARY KEY (grant_id, department_id)
);
CREATE INDEX IF NOT EXISTS access_department_department ON access_department (department_id);
