-- +goose Up
CREATE TABLE IF NOT EXISTS person (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hr_key VARCHAR(64) NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS person_hr_key ON person (hr_key);
CREATE TABLE IF NOT EXISTS `user` (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person_id BIGINT NOT NULL,
  staff_no VARCHAR(64) NOT NULL,
  email VARCHAR(190) NULL,
  name VARCHAR(100) NOT NULL,
  role VARCHAR(16) NOT NULL,
  role_by BIGINT NOT NULL,
  role_since DATETIME NOT NULL,
  role_confirmed_by BIGINT NOT NULL,
  vote_from DATETIME NULL,
  password VARCHAR(255) NOT NULL,
  password_at DATETIME NULL,
  totp BLOB NULL,
  totp_confirmed BOOLEAN NOT NULL,
  totp_last_step BIGINT NOT NULL,
  disabled_at DATETIME NULL,
  expires_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  created_by BIGINT NOT NULL,
  lang VARCHAR(16) NOT NULL,
  theme VARCHAR(16) NOT NULL,
  demo BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS user_staff_no ON `user` (staff_no);
CREATE UNIQUE INDEX IF NOT EXISTS user_email ON `user` (email);
CREATE INDEX IF NOT EXISTS user_person ON `user` (person_id);
CREATE TABLE IF NOT EXISTS user_scope (
  user_id BIGINT NOT NULL,
  department_id BIGINT NOT NULL,
  sub BOOLEAN NOT NULL,
  PRIMARY KEY (user_id, department_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS user_session (
  id_hash BLOB NOT NULL PRIMARY KEY,
  user_id BIGINT NOT NULL,
  stage VARCHAR(16) NOT NULL,
  data BLOB NOT NULL,
  created_at DATETIME NOT NULL,
  seen_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  source VARCHAR(64) NOT NULL,
  agent VARCHAR(255) NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS user_session_user ON user_session (user_id);
CREATE INDEX IF NOT EXISTS user_session_expires ON user_session (expires_at);
CREATE TABLE IF NOT EXISTS recovery_code (
  user_id BIGINT NOT NULL,
  code_hash BLOB NOT NULL,
  used_at DATETIME NULL,
  PRIMARY KEY (user_id, code_hash)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setup_link (
  token_hash BLOB NOT NULL PRIMARY KEY,
  kind VARCHAR(16) NOT NULL,
  user_id BIGINT NOT NULL,
  factor BOOLEAN NOT NULL,
  created_by BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  used_at DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS setup_link_user ON setup_link (user_id);
CREATE TABLE IF NOT EXISTS login_guard (
  key_hash BLOB NOT NULL PRIMARY KEY,
  failed INT NOT NULL,
  last_at DATETIME NOT NULL,
  locked_until DATETIME NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS login_guard_last ON login_guard (last_at);
