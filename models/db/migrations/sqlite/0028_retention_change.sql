-- +goose Up
ALTER TABLE retention_rule ADD COLUMN target_days INT NOT NULL DEFAULT 0;
ALTER TABLE retention_rule ADD COLUMN ceiling_days INT NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS retention_change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  open_slot SMALLINT NULL,
  was TEXT NOT NULL,
  proposal TEXT NOT NULL,
  root BLOB NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  approval_id BIGINT NOT NULL,
  requester_id BIGINT NOT NULL,
  requester_person BIGINT NOT NULL,
  requester_name VARCHAR(100) NOT NULL,
  requested_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  approver_name VARCHAR(100) NOT NULL,
  opinion VARCHAR(2000) NOT NULL,
  decided_at DATETIME NULL,
  effective_at DATETIME NULL,
  closed_name VARCHAR(100) NOT NULL,
  closed_reason VARCHAR(2000) NOT NULL,
  closed_at DATETIME NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS retention_change_code ON retention_change (code);
CREATE UNIQUE INDEX IF NOT EXISTS retention_change_open ON retention_change (open_slot);
CREATE TABLE IF NOT EXISTS retention_count (
  department_id BIGINT NOT NULL PRIMARY KEY,
  past_target BIGINT NOT NULL,
  past_ceiling BIGINT NOT NULL,
  never_keep BIGINT NOT NULL,
  unlooked BIGINT NOT NULL,
  counted_at DATETIME NOT NULL
);
