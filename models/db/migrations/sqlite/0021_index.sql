-- +goose Up
CREATE TABLE IF NOT EXISTS index_key (
  bucket_id BIGINT NOT NULL PRIMARY KEY,
  state SMALLINT NOT NULL,
  created_at DATETIME NOT NULL,
  destroyed_at DATETIME NULL
);
CREATE INDEX IF NOT EXISTS index_key_state ON index_key (state);
CREATE TABLE IF NOT EXISTS index_segment (
  id BIGINT NOT NULL PRIMARY KEY,
  tier SMALLINT NOT NULL,
  division BIGINT NOT NULL,
  n INT NOT NULL,
  dead INT NOT NULL,
  first_at DATETIME NOT NULL,
  last_at DATETIME NOT NULL,
  parts INT NOT NULL,
  bytes BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  version INT NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE TABLE IF NOT EXISTS index_part (
  segment_id BIGINT NOT NULL,
  part INT NOT NULL,
  wrapped BLOB NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (segment_id, part)
);
CREATE TABLE IF NOT EXISTS index_change (
  conversation_id BIGINT NOT NULL PRIMARY KEY,
  content SMALLINT NOT NULL,
  stamp BIGINT NOT NULL,
  changed_at DATETIME NOT NULL
);
-- What was there before the index is waiting to be taken into it.
INSERT OR IGNORE INTO index_change (conversation_id, content, stamp, changed_at) SELECT id, 1, 1, created_at FROM conversation;
