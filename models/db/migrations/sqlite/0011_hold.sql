-- +goose Up
-- What the version before this one places meanwhile has the defaults: a department's hold that continues.
ALTER TABLE legal_hold ADD COLUMN kind VARCHAR(16) NOT NULL DEFAULT '';
ALTER TABLE legal_hold ADD COLUMN continuing SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE legal_hold ADD COLUMN criteria TEXT NOT NULL DEFAULT '';
ALTER TABLE legal_hold ADD COLUMN owner_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE legal_hold ADD COLUMN review_at DATETIME NULL;
ALTER TABLE legal_hold ADD COLUMN request_key VARCHAR(64) NULL;
CREATE UNIQUE INDEX legal_hold_request_key ON legal_hold (request_key);
CREATE INDEX legal_hold_in_force ON legal_hold (released_at, continuing);
CREATE TABLE hold_customer (
  hold_id BIGINT NOT NULL,
  customer_mac BLOB NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (hold_id, customer_mac)
);
CREATE TABLE hold_review (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hold_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  owner_id BIGINT NOT NULL,
  note VARCHAR(2000) NOT NULL,
  at DATETIME NOT NULL,
  next_at DATETIME NOT NULL
);
CREATE INDEX hold_review_hold ON hold_review (hold_id, id);
CREATE TABLE hold_release (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hold_id BIGINT NOT NULL,
  open_hold BIGINT NULL,
  state VARCHAR(16) NOT NULL,
  root BLOB NOT NULL,
  approval_id BIGINT NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  requester_id BIGINT NOT NULL,
  requester_person BIGINT NOT NULL,
  requester_name VARCHAR(100) NOT NULL,
  requester_staff_no VARCHAR(64) NOT NULL,
  requested_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  approver_id BIGINT NOT NULL,
  approver_person BIGINT NOT NULL,
  approver_name VARCHAR(100) NOT NULL,
  approver_staff_no VARCHAR(64) NOT NULL,
  opinion VARCHAR(2000) NOT NULL,
  decided_at DATETIME NULL,
  ends_at DATETIME NULL,
  closed_by BIGINT NOT NULL,
  closed_name VARCHAR(100) NOT NULL,
  closed_reason VARCHAR(2000) NOT NULL,
  closed_at DATETIME NULL,
  mac BLOB NOT NULL
);
CREATE UNIQUE INDEX hold_release_open_hold ON hold_release (open_hold);
CREATE INDEX hold_release_hold ON hold_release (hold_id, id);
CREATE INDEX hold_release_requester ON hold_release (requester_person);
CREATE INDEX hold_release_approver ON hold_release (approver_person);
CREATE INDEX hold_release_due ON hold_release (state, ends_at);
CREATE TABLE hold_block (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hold_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  code VARCHAR(32) NOT NULL,
  conversations BIGINT NOT NULL,
  by_name VARCHAR(100) NOT NULL,
  at DATETIME NOT NULL
);
CREATE INDEX hold_block_hold ON hold_block (hold_id, id);
-- The last line of defence: whoever deletes past the program, the database refuses what is held.
-- +goose StatementBegin
CREATE TRIGGER conversation_held BEFORE DELETE ON conversation FOR EACH ROW
WHEN EXISTS (SELECT 1 FROM hold_item hi JOIN legal_hold lh ON lh.id = hi.hold_id WHERE hi.conversation_id = OLD.id AND lh.released_at IS NULL)
BEGIN
  SELECT RAISE(ABORT, 'under a legal hold');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER conversation_body_held BEFORE DELETE ON conversation_body FOR EACH ROW
WHEN EXISTS (SELECT 1 FROM hold_item hi JOIN legal_hold lh ON lh.id = hi.hold_id WHERE hi.conversation_id = OLD.id AND lh.released_at IS NULL)
BEGIN
  SELECT RAISE(ABORT, 'under a legal hold');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER conversation_key_held BEFORE DELETE ON conversation_key FOR EACH ROW
WHEN EXISTS (SELECT 1 FROM hold_item hi JOIN legal_hold lh ON lh.id = hi.hold_id WHERE hi.conversation_id = OLD.id AND lh.released_at IS NULL)
BEGIN
  SELECT RAISE(ABORT, 'under a legal hold');
END;
-- +goose StatementEnd
