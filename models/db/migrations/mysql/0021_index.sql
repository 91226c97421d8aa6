-- +goose Up
CREATE TABLE IF NOT EXISTS index_key (
  bucket_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  state SMALLINT NOT NULL,
  created_at DATETIME(6) NOT NULL,
  destroyed_at DATETIME(6) NULL,
  KEY state (state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS index_segment (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  tier SMALLINT NOT NULL,
  division BIGINT UNSIGNED NOT NULL,
  n INT NOT NULL,
  dead INT NOT NULL,
  first_at DATETIME(6) NOT NULL,
  last_at DATETIME(6) NOT NULL,
  parts INT NOT NULL,
  bytes BIGINT NOT NULL,
  state SMALLINT NOT NULL,
  version INT UNSIGNED NOT NULL,
  created_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS index_part (
  segment_id BIGINT UNSIGNED NOT NULL,
  part INT NOT NULL,
  wrapped VARBINARY(160) NOT NULL,
  body MEDIUMBLOB NOT NULL,
  PRIMARY KEY (segment_id, part)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS index_change (
  conversation_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  content SMALLINT NOT NULL,
  stamp BIGINT NOT NULL,
  changed_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- What was there before the index is waiting to be taken into it.
INSERT IGNORE INTO index_change (conversation_id, content, stamp, changed_at) SELECT id, 1, 1, created_at FROM conversation;
