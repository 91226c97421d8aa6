-- +goose Up
CREATE TABLE IF NOT EXISTS audit_report (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  owner_id BIGINT NOT NULL,
  owner_name VARCHAR(100) NOT NULL,
  from_at DATETIME NOT NULL,
  to_at DATETIME NOT NULL,
  leaf BIGINT NOT NULL,
  reconciled SMALLINT NOT NULL,
  body BLOB NOT NULL,
  digest BLOB NOT NULL,
  file BLOB NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS audit_report_code ON audit_report (code);
