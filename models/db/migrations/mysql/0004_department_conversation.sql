-- +goose Up
CREATE TABLE IF NOT EXISTS department (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  parent_id BIGINT UNSIGNED NOT NULL,
  code VARCHAR(64) NULL,
  name VARCHAR(100) NOT NULL,
  level INT NOT NULL,
  path VARCHAR(700) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  UNIQUE KEY code (code),
  UNIQUE KEY path (path),
  KEY parent (parent_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS conversation (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  platform VARCHAR(32) NOT NULL,
  external_mac BINARY(32) NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  l1 BIGINT UNSIGNED NOT NULL,
  l2 BIGINT UNSIGNED NOT NULL,
  l3 BIGINT UNSIGNED NOT NULL,
  service_type VARCHAR(32) NOT NULL,
  state SMALLINT NOT NULL,
  order_state SMALLINT NOT NULL,
  agent_id VARCHAR(100) NOT NULL,
  agent_name VARCHAR(100) NOT NULL,
  customer_mac BINARY(32) NULL,
  started_at DATETIME(6) NOT NULL,
  last_at DATETIME(6) NOT NULL,
  messages INT NOT NULL,
  attachments INT NOT NULL,
  bytes BIGINT NOT NULL,
  version INT NOT NULL,
  batch_id BIGINT UNSIGNED NULL,
  content_mac BINARY(32) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  UNIQUE KEY external (platform, external_mac),
  KEY state_last (state, last_at, id),
  KEY l1_last (l1, state, last_at, id),
  KEY l2_last (l2, state, last_at, id),
  KEY l3_last (l3, state, last_at, id),
  KEY department_last (department_id, state, last_at, id),
  KEY customer (customer_mac, last_at),
  KEY agent (agent_id, state, last_at),
  KEY batch (batch_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS conversation_body (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  version INT NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  digest BINARY(32) NOT NULL,
  body MEDIUMBLOB NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS conversation_key (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  bucket_id BIGINT UNSIGNED NOT NULL,
  wrapped VARBINARY(160) NOT NULL,
  KEY bucket (bucket_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS key_bucket (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  department_id BIGINT UNSIGNED NOT NULL,
  month CHAR(6) NOT NULL,
  used INT NOT NULL,
  state SMALLINT NOT NULL,
  created_at DATETIME(6) NOT NULL,
  destroyed_at DATETIME(6) NULL,
  KEY room (department_id, month, state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS tag (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(64) NOT NULL,
  UNIQUE KEY name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS conversation_tag (
  tag_id BIGINT UNSIGNED NOT NULL,
  conversation_id BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (tag_id, conversation_id),
  KEY conversation (conversation_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS tombstone (
  external_mac BINARY(32) NOT NULL,
  platform VARCHAR(32) NOT NULL,
  conversation_id BIGINT UNSIGNED NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  purge_id BIGINT UNSIGNED NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (platform, external_mac),
  KEY conversation (conversation_id),
  KEY by_purge (purge_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
