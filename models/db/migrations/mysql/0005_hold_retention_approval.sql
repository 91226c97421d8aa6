-- +goose Up
CREATE TABLE IF NOT EXISTS hold_epoch (
  id INT NOT NULL PRIMARY KEY,
  n BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS legal_hold (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  code VARCHAR(32) NOT NULL,
  name VARCHAR(200) NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  sub SMALLINT NOT NULL,
  placed_by BIGINT UNSIGNED NOT NULL,
  created_at DATETIME(6) NOT NULL,
  released_at DATETIME(6) NULL,
  UNIQUE KEY code (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS hold_item (
  conversation_id BIGINT UNSIGNED NOT NULL,
  hold_id BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (conversation_id, hold_id),
  KEY by_hold (hold_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS retention_rule (
  id INT NOT NULL PRIMARY KEY,
  service_type VARCHAR(32) NOT NULL,
  floor_days INT NOT NULL,
  forever SMALLINT NOT NULL,
  basis VARCHAR(500) NOT NULL,
  basis_state VARCHAR(16) NOT NULL,
  version INT NOT NULL,
  UNIQUE KEY service_type (service_type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS approval (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind VARCHAR(16) NOT NULL,
  subject BIGINT UNSIGNED NOT NULL,
  root BINARY(32) NOT NULL,
  policy_version BINARY(32) NOT NULL,
  stages VARCHAR(200) NOT NULL,
  stage INT NOT NULL,
  state VARCHAR(16) NOT NULL,
  requester_id BIGINT UNSIGNED NOT NULL,
  requester_person BIGINT UNSIGNED NOT NULL,
  created_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  closed_at DATETIME(6) NULL,
  UNIQUE KEY subject (kind, subject),
  KEY state (state, kind)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS vote (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  approval_id BIGINT UNSIGNED NOT NULL,
  stage INT NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  person_id BIGINT UNSIGNED NOT NULL,
  name VARCHAR(100) NOT NULL,
  staff_no VARCHAR(64) NOT NULL,
  role VARCHAR(16) NOT NULL,
  verdict VARCHAR(16) NOT NULL,
  opinion VARCHAR(2000) NOT NULL,
  root BINARY(32) NOT NULL,
  policy_version BINARY(32) NOT NULL,
  totp_step BIGINT NOT NULL,
  at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  mac BINARY(32) NOT NULL,
  UNIQUE KEY person (approval_id, person_id),
  UNIQUE KEY stage (approval_id, stage),
  UNIQUE KEY code (user_id, totp_step)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO hold_epoch (id, n) SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM hold_epoch);
INSERT INTO retention_rule (id, service_type, floor_days, forever, basis, basis_state, version)
  SELECT 1, '', 183, 0, '', '待核', 1 WHERE NOT EXISTS (SELECT 1 FROM retention_rule WHERE id = 1);
INSERT INTO retention_rule (id, service_type, floor_days, forever, basis, basis_state, version)
  SELECT 2, '投诉', 365, 0, '', '待核', 1 WHERE NOT EXISTS (SELECT 1 FROM retention_rule WHERE id = 2);
INSERT INTO retention_rule (id, service_type, floor_days, forever, basis, basis_state, version)
  SELECT 3, '交易', 1095, 0, '', '待核', 1 WHERE NOT EXISTS (SELECT 1 FROM retention_rule WHERE id = 3);
INSERT INTO retention_rule (id, service_type, floor_days, forever, basis, basis_state, version)
  SELECT 4, '法律纠纷', 0, 1, '', '待核', 1 WHERE NOT EXISTS (SELECT 1 FROM retention_rule WHERE id = 4);
