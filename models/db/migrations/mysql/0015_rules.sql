-- +goose Up
ALTER TABLE purge_request ADD COLUMN incident VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE vote ADD COLUMN terms VARCHAR(200) NOT NULL DEFAULT '';
CREATE INDEX purge_request_incident ON purge_request (incident);
CREATE TABLE IF NOT EXISTS purge_review (
  purge_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  at DATETIME(6) NOT NULL,
  size BIGINT NOT NULL,
  skipped TEXT NOT NULL,
  policy SMALLINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS bin_raise (
  draft_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  cap BIGINT NOT NULL,
  scope BINARY(32) NOT NULL,
  user_id BIGINT UNSIGNED NOT NULL,
  person_id BIGINT UNSIGNED NOT NULL,
  name VARCHAR(100) NOT NULL,
  staff_no VARCHAR(64) NOT NULL,
  role VARCHAR(16) NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  totp_step BIGINT NOT NULL,
  at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE UNIQUE INDEX bin_raise_code ON bin_raise (user_id, totp_step);
-- An administrator whom another one added on the console waits for a confirmation from now on.
UPDATE `user` SET vote_from = role_since WHERE role = 'admin' AND role_by = 0 AND vote_from IS NULL;
