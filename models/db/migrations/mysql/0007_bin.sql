-- +goose Up
CREATE TABLE IF NOT EXISTS bin_draft (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  owner_id BIGINT UNSIGNED NOT NULL,
  form MEDIUMTEXT NOT NULL,
  frozen_at DATETIME(6) NULL,
  frozen_count BIGINT NOT NULL,
  fingerprint BINARY(32) NULL,
  batch_id BIGINT UNSIGNED NULL,
  created_at DATETIME(6) NOT NULL,
  changed_at DATETIME(6) NOT NULL,
  KEY owner (owner_id, id),
  KEY by_batch (batch_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS bin_draft_item (
  draft_id BIGINT UNSIGNED NOT NULL,
  conversation_id BIGINT UNSIGNED NOT NULL,
  version INT NOT NULL,
  PRIMARY KEY (draft_id, conversation_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS bin_batch (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  code VARCHAR(32) NOT NULL,
  request_key VARCHAR(64) NOT NULL,
  state VARCHAR(16) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  owner_id BIGINT UNSIGNED NOT NULL,
  owner_person BIGINT UNSIGNED NOT NULL,
  owner_name VARCHAR(100) NOT NULL,
  scope MEDIUMTEXT NOT NULL,
  scope_kind VARCHAR(16) NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  residue MEDIUMTEXT NOT NULL,
  residue_count BIGINT NOT NULL,
  residue_reason VARCHAR(2000) NOT NULL,
  excluded MEDIUMTEXT NOT NULL,
  size BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  moved BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  keep_until DATETIME(6) NOT NULL,
  extended_at DATETIME(6) NULL,
  drafted_at DATETIME(6) NULL,
  created_at DATETIME(6) NOT NULL,
  UNIQUE KEY code (code),
  UNIQUE KEY request_key (request_key),
  KEY keep (state, keep_until),
  KEY department (department_id),
  KEY owner (owner_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS bin_item (
  batch_id BIGINT UNSIGNED NOT NULL,
  conversation_id BIGINT UNSIGNED NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  state VARCHAR(16) NOT NULL,
  was_state SMALLINT NOT NULL,
  version INT NOT NULL,
  reason VARCHAR(32) NOT NULL,
  bytes BIGINT NOT NULL,
  purge_id BIGINT UNSIGNED NULL,
  changed_at DATETIME(6) NOT NULL,
  PRIMARY KEY (batch_id, conversation_id),
  KEY conversation (conversation_id),
  KEY state (state, batch_id, department_id, bytes),
  KEY by_purge (purge_id, state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
