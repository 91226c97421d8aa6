-- +goose Up
CREATE TABLE IF NOT EXISTS audit_head (
  id INTEGER NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  root BLOB NOT NULL,
  edge BLOB NOT NULL,
  last_at DATETIME NULL
);
CREATE TABLE IF NOT EXISTS audit_leaf (
  n INTEGER NOT NULL PRIMARY KEY,
  at DATETIME NOT NULL,
  actor_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  actor_name VARCHAR(100) NOT NULL,
  actor_role VARCHAR(64) NOT NULL,
  action VARCHAR(64) NOT NULL,
  object_kind VARCHAR(64) NOT NULL,
  object VARCHAR(190) NOT NULL,
  department_id BIGINT NOT NULL,
  result VARCHAR(64) NOT NULL,
  source VARCHAR(100) NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  item_count BIGINT NOT NULL,
  leaf BLOB NOT NULL,
  hash BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_leaf_at ON audit_leaf (at, action, result);
CREATE INDEX IF NOT EXISTS audit_leaf_action ON audit_leaf (action, n);
CREATE INDEX IF NOT EXISTS audit_leaf_actor ON audit_leaf (actor_id, n);
CREATE INDEX IF NOT EXISTS audit_leaf_department ON audit_leaf (department_id, n);
CREATE INDEX IF NOT EXISTS audit_leaf_object ON audit_leaf (object, n);
CREATE TABLE IF NOT EXISTS audit_node (
  idx INTEGER NOT NULL PRIMARY KEY,
  hash BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS audit_checkpoint (
  size INTEGER NOT NULL PRIMARY KEY,
  root BLOB NOT NULL,
  note TEXT NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE TABLE IF NOT EXISTS job (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  kind VARCHAR(64) NOT NULL,
  subject BIGINT NOT NULL,
  object VARCHAR(190) NOT NULL,
  solo VARCHAR(190) NULL,
  state VARCHAR(16) NOT NULL,
  run_at DATETIME NOT NULL,
  lease_until DATETIME NULL,
  token BIGINT NOT NULL,
  owner VARCHAR(100) NOT NULL,
  attempts INT NOT NULL,
  pos BIGINT NOT NULL,
  done BIGINT NOT NULL,
  total BIGINT NOT NULL,
  note VARCHAR(500) NOT NULL,
  error VARCHAR(500) NOT NULL,
  created_by BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  started_at DATETIME NULL,
  finished_at DATETIME NULL,
  version BIGINT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS job_solo ON job (solo);
CREATE INDEX IF NOT EXISTS job_due ON job (state, run_at);
CREATE INDEX IF NOT EXISTS job_subject ON job (kind, subject, id);
CREATE INDEX IF NOT EXISTS job_creator ON job (created_by, id);
INSERT OR IGNORE INTO audit_head (id, size, root, edge) VALUES (1, 0, X'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855', X'');
