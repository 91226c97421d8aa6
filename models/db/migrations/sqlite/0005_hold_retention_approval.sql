-- +goose Up
CREATE TABLE IF NOT EXISTS hold_epoch (
  id INT NOT NULL PRIMARY KEY,
  n BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS legal_hold (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  name VARCHAR(200) NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  department_id BIGINT NOT NULL,
  sub SMALLINT NOT NULL,
  placed_by BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  released_at DATETIME NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS legal_hold_code ON legal_hold (code);
CREATE TABLE IF NOT EXISTS hold_item (
  conversation_id BIGINT NOT NULL,
  hold_id BIGINT NOT NULL,
  PRIMARY KEY (conversation_id, hold_id)
);
CREATE INDEX IF NOT EXISTS hold_item_by_hold ON hold_item (hold_id);
CREATE TABLE IF NOT EXISTS retention_rule (
  id INT NOT NULL PRIMARY KEY,
  service_type VARCHAR(32) NOT NULL,
  floor_days INT NOT NULL,
  forever SMALLINT NOT NULL,
  basis VARCHAR(500) NOT NULL,
  basis_state VARCHAR(16) NOT NULL,
  version INT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS retention_rule_service_type ON retention_rule (service_type);
CREATE TABLE IF NOT EXISTS approval (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind VARCHAR(16) NOT NULL,
  subject BIGINT NOT NULL,
  root BLOB NOT NULL,
  policy_version BLOB NOT NULL,
  stages VARCHAR(200) NOT NULL,
  stage INT NOT NULL,
  state VARCHAR(16) NOT NULL,
  requester_id BIGINT NOT NULL,
  requester_person BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  closed_at DATETIME NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS approval_subject ON approval (kind, subject);
CREATE INDEX IF NOT EXISTS approval_state ON approval (state, kind);
CREATE TABLE IF NOT EXISTS vote (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  approval_id BIGINT NOT NULL,
  stage INT NOT NULL,
  user_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  staff_no VARCHAR(64) NOT NULL,
  role VARCHAR(16) NOT NULL,
  verdict VARCHAR(16) NOT NULL,
  opinion VARCHAR(2000) NOT NULL,
  root BLOB NOT NULL,
  policy_version BLOB NOT NULL,
  totp_step BIGINT NOT NULL,
  at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  mac BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS vote_person ON vote (approval_id, person_id);
CREATE UNIQUE INDEX IF NOT EXISTS vote_stage ON vote (approval_id, stage);
CREATE UNIQUE INDEX IF NOT EXISTS vote_code ON vote (user_id, totp_step);
INSERT INTO hold_epoch (id, n) SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM hold_epoch);
INSERT INTO retention_rule (id, service_type, floor_days, forever, basis, basis_state, version)
  SELECT 1, '', 183, 0, '', '待核', 1 WHERE NOT EXISTS (SELECT 1 FROM retention_rule WHERE id = 1);
INSERT INTO retention_rule (id, service_type, floor_days, forever, basis, basis_state, version)
  SELECT 2, '投诉', 365, 0, '', '待核', 1 WHERE NOT EXISTS (SELECT 1 FROM retention_rule WHERE id = 2);
INSERT INTO retention_rule (id, service_type, floor_days, forever, basis, basis_state, version)
  SELECT 3, '交易', 1095, 0, '', '待核', 1 WHERE NOT EXISTS (SELECT 1 FROM retention_rule WHERE id = 3);
INSERT INTO retention_rule (id, service_type, floor_days, forever, basis, basis_state, version)
  SELECT 4, '法律纠纷', 0, 1, '', '待核', 1 WHERE NOT EXISTS (SELECT 1 FROM retention_rule WHERE id = 4);
