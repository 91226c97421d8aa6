-- +goose Up
ALTER TABLE purge_request ADD COLUMN incident VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE vote ADD COLUMN terms VARCHAR(200) NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS purge_request_incident ON purge_request (incident);
CREATE TABLE IF NOT EXISTS purge_review (
  purge_id BIGINT NOT NULL PRIMARY KEY,
  at DATETIME NOT NULL,
  size BIGINT NOT NULL,
  skipped TEXT NOT NULL,
  policy SMALLINT NOT NULL
);
CREATE TABLE IF NOT EXISTS bin_raise (
  draft_id BIGINT NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  cap BIGINT NOT NULL,
  scope BLOB NOT NULL,
  user_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  staff_no VARCHAR(64) NOT NULL,
  role VARCHAR(16) NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  totp_step BIGINT NOT NULL,
  at DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS bin_raise_code ON bin_raise (user_id, totp_step);
-- An administrator whom another one added on the console waits for a confirmation from now on.
UPDATE `user` SET vote_from = role_since WHERE role = 'admin' AND role_by = 0 AND vote_from IS NULL;
