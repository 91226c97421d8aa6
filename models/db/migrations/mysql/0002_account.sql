-- +goose Up
CREATE TABLE IF NOT EXISTS person (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  hr_key VARCHAR(64) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  UNIQUE KEY person_hr_key (hr_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS `user` (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  person_id BIGINT UNSIGNED NOT NULL,
  staff_no VARCHAR(64) NOT NULL,
  email VARCHAR(190) NULL,
  name VARCHAR(100) NOT NULL,
  role VARCHAR(16) NOT NULL,
  role_by BIGINT UNSIGNED NOT NULL,
  role_since DATETIME(6) NOT NULL,
  role_confirmed_by BIGINT UNSIGNED NOT NULL,
  vote_from DATETIME(6) NULL,
  password VARCHAR(255) NOT NULL,
  password_at DATETIME(6) NULL,
  totp VARBINARY(255) NULL,
  totp_confirmed BOOLEAN NOT NULL,
  totp_last_step BIGINT NOT NULL,
  disabled_at DATETIME(6) NULL,
  expires_at DATETIME(6) NULL,
  created_at DATETIME(6) NOT NULL,
  created_by BIGINT UNSIGNED NOT NULL,
  lang VARCHAR(16) NOT NULL,
  theme VARCHAR(16) NOT NULL,
  demo BOOLEAN NOT NULL,
  UNIQUE KEY user_staff_no (staff_no),
  UNIQUE KEY user_email (email),
  KEY user_person (person_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS user_scope (
  user_id BIGINT UNSIGNED NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  sub BOOLEAN NOT NULL,
  PRIMARY KEY (user_id, department_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS user_session (
  id_hash BINARY(32) NOT NULL PRIMARY KEY,
  user_id BIGINT UNSIGNED NOT NULL,
  stage VARCHAR(16) NOT NULL,
  data VARBINARY(4096) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  seen_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  source VARCHAR(64) NOT NULL,
  agent VARCHAR(255) NOT NULL,
  KEY user_session_user (user_id),
  KEY user_session_expires (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS recovery_code (
  user_id BIGINT UNSIGNED NOT NULL,
  code_hash BINARY(32) NOT NULL,
  used_at DATETIME(6) NULL,
  PRIMARY KEY (user_id, code_hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS setup_link (
  token_hash BINARY(32) NOT NULL PRIMARY KEY,
  kind VARCHAR(16) NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  factor BOOLEAN NOT NULL,
  created_by BIGINT UNSIGNED NOT NULL,
  created_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  used_at DATETIME(6) NULL,
  KEY setup_link_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS login_guard (
  key_hash BINARY(32) NOT NULL PRIMARY KEY,
  failed INT NOT NULL,
  last_at DATETIME(6) NOT NULL,
  locked_until DATETIME(6) NULL,
  KEY login_guard_last (last_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
