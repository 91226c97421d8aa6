-- +goose Up
CREATE TABLE IF NOT EXISTS audit_head (
  id BIGINT NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  root BINARY(32) NOT NULL,
  edge VARBINARY(2048) NOT NULL,
  last_at DATETIME(6) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS audit_leaf (
  n BIGINT NOT NULL PRIMARY KEY,
  at DATETIME(6) NOT NULL,
  actor_id BIGINT UNSIGNED NOT NULL,
  person_id BIGINT UNSIGNED NOT NULL,
  actor_name VARCHAR(100) NOT NULL,
  actor_role VARCHAR(64) NOT NULL,
  action VARCHAR(64) NOT NULL,
  object_kind VARCHAR(64) NOT NULL,
  object VARCHAR(190) NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  result VARCHAR(64) NOT NULL,
  source VARCHAR(100) NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  item_count BIGINT NOT NULL,
  leaf MEDIUMBLOB NOT NULL,
  hash BINARY(32) NOT NULL,
  KEY audit_leaf_at (at, action, result),
  KEY audit_leaf_action (action, n),
  KEY audit_leaf_actor (actor_id, n),
  KEY audit_leaf_department (department_id, n),
  KEY audit_leaf_object (object, n)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS audit_node (
  idx BIGINT NOT NULL PRIMARY KEY,
  hash BINARY(32) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS audit_checkpoint (
  size BIGINT NOT NULL PRIMARY KEY,
  root BINARY(32) NOT NULL,
  note TEXT NOT NULL,
  created_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS job (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind VARCHAR(64) NOT NULL,
  subject BIGINT UNSIGNED NOT NULL,
  object VARCHAR(190) NOT NULL,
  solo VARCHAR(190) NULL,
  state VARCHAR(16) NOT NULL,
  run_at DATETIME(6) NOT NULL,
  lease_until DATETIME(6) NULL,
  token BIGINT NOT NULL,
  owner VARCHAR(100) NOT NULL,
  attempts INT NOT NULL,
  pos BIGINT NOT NULL,
  done BIGINT NOT NULL,
  total BIGINT NOT NULL,
  note VARCHAR(500) NOT NULL,
  error VARCHAR(500) NOT NULL,
  created_by BIGINT UNSIGNED NOT NULL,
  created_at DATETIME(6) NOT NULL,
  started_at DATETIME(6) NULL,
  finished_at DATETIME(6) NULL,
  version BIGINT NOT NULL,
  UNIQUE KEY job_solo (solo),
  KEY job_due (state, run_at),
  KEY job_subject (kind, subject, id),
  KEY job_creator (created_by, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT IGNORE INTO audit_head (id, size, root, edge) VALUES (1, 0, X'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855', '');
