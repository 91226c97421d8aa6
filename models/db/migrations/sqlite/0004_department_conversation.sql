-- +goose Up
CREATE TABLE IF NOT EXISTS department (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  parent_id BIGINT NOT NULL,
  code VARCHAR(64) NULL,
  name VARCHAR(100) NOT NULL,
  level INT NOT NULL,
  path VARCHAR(700) NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS department_code ON department (code);
CREATE UNIQUE INDEX IF NOT EXISTS department_path ON department (path);
CREATE INDEX IF NOT EXISTS department_parent ON department (parent_id);
CREATE TABLE IF NOT EXISTS conversation (
  id BIGINT NOT NULL PRIMARY KEY,
  platform VARCHAR(32) NOT NULL,
  external_mac BLOB NOT NULL,
  department_id BIGINT NOT NULL,
  l1 BIGINT NOT NULL,
  l2 BIGINT NOT NULL,
  l3 BIGINT NOT NULL,
  service_type VARCHAR(32) NOT NULL,
  state SMALLINT NOT NULL,
  order_state SMALLINT NOT NULL,
  agent_id VARCHAR(100) NOT NULL,
  agent_name VARCHAR(100) NOT NULL,
  customer_mac BLOB NULL,
  started_at DATETIME NOT NULL,
  last_at DATETIME NOT NULL,
  messages INT NOT NULL,
  attachments INT NOT NULL,
  bytes BIGINT NOT NULL,
  version INT NOT NULL,
  batch_id BIGINT NULL,
  content_mac BLOB NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS conversation_external ON conversation (platform, external_mac);
CREATE INDEX IF NOT EXISTS conversation_state_last ON conversation (state, last_at, id);
CREATE INDEX IF NOT EXISTS conversation_l1_last ON conversation (l1, state, last_at, id);
CREATE INDEX IF NOT EXISTS conversation_l2_last ON conversation (l2, state, last_at, id);
CREATE INDEX IF NOT EXISTS conversation_l3_last ON conversation (l3, state, last_at, id);
CREATE INDEX IF NOT EXISTS conversation_department_last ON conversation (department_id, state, last_at, id);
CREATE INDEX IF NOT EXISTS conversation_customer ON conversation (customer_mac, last_at);
CREATE INDEX IF NOT EXISTS conversation_agent ON conversation (agent_id, state, last_at);
CREATE INDEX IF NOT EXISTS conversation_batch ON conversation (batch_id);
CREATE TABLE IF NOT EXISTS conversation_body (
  id BIGINT NOT NULL PRIMARY KEY,
  version INT NOT NULL,
  department_id BIGINT NOT NULL,
  digest BLOB NOT NULL,
  body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS conversation_key (
  id BIGINT NOT NULL PRIMARY KEY,
  bucket_id BIGINT NOT NULL,
  wrapped BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS conversation_key_bucket ON conversation_key (bucket_id);
CREATE TABLE IF NOT EXISTS key_bucket (
  id BIGINT NOT NULL PRIMARY KEY,
  department_id BIGINT NOT NULL,
  month CHAR(6) NOT NULL,
  used INT NOT NULL,
  state SMALLINT NOT NULL,
  created_at DATETIME NOT NULL,
  destroyed_at DATETIME NULL
);
CREATE INDEX IF NOT EXISTS key_bucket_room ON key_bucket (department_id, month, state);
CREATE TABLE IF NOT EXISTS tag (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name VARCHAR(64) NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS tag_name ON tag (name);
CREATE TABLE IF NOT EXISTS conversation_tag (
  tag_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  PRIMARY KEY (tag_id, conversation_id)
);
CREATE INDEX IF NOT EXISTS conversation_tag_conversation ON conversation_tag (conversation_id);
CREATE TABLE IF NOT EXISTS tombstone (
  external_mac BLOB NOT NULL,
  platform VARCHAR(32) NOT NULL,
  conversation_id BIGINT NOT NULL,
  department_id BIGINT NOT NULL,
  purge_id BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (platform, external_mac)
);
CREATE INDEX IF NOT EXISTS tombstone_conversation ON tombstone (conversation_id);
CREATE INDEX IF NOT EXISTS tombstone_by_purge ON tombstone (purge_id);
