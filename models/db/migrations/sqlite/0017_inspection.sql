-- +goose Up
CREATE TABLE inspection (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  first_at DATETIME NOT NULL,
  end_at DATETIME NOT NULL,
  due_at DATETIME NOT NULL,
  seed_sealed BLOB NOT NULL,
  seed VARCHAR(64) NOT NULL,
  commitment VARCHAR(64) NOT NULL,
  commit_leaf BIGINT NOT NULL,
  opened_by BIGINT NOT NULL,
  opened_name VARCHAR(100) NOT NULL,
  opened_at DATETIME NOT NULL,
  from_at DATETIME NULL,
  cut_at DATETIME NULL,
  population BIGINT NOT NULL,
  batches BIGINT NOT NULL,
  population_root VARCHAR(64) NOT NULL,
  sample BIGINT NOT NULL,
  sample_root VARCHAR(64) NOT NULL,
  strata TEXT NOT NULL,
  scans TEXT NOT NULL,
  drawn_by BIGINT NOT NULL,
  drawn_name VARCHAR(100) NOT NULL,
  drawn_at DATETIME NULL,
  sign_round INT NOT NULL,
  result TEXT NOT NULL,
  result_root VARCHAR(64) NOT NULL,
  signed_at DATETIME NULL,
  leaf BIGINT NOT NULL,
  digest VARCHAR(64) NOT NULL,
  body TEXT NOT NULL,
  file BLOB NULL
);
CREATE UNIQUE INDEX inspection_code ON inspection (code);
CREATE TABLE inspection_item (
  inspection_id BIGINT NOT NULL,
  seq INT NOT NULL,
  batch_id BIGINT NOT NULL,
  batch_code VARCHAR(32) NOT NULL,
  conversation_id BIGINT NOT NULL,
  platform VARCHAR(32) NOT NULL,
  department_id BIGINT NOT NULL,
  verdict VARCHAR(16) NOT NULL,
  level VARCHAR(16) NOT NULL,
  words VARCHAR(1000) NOT NULL,
  item_state VARCHAR(16) NOT NULL,
  checked_by BIGINT NOT NULL,
  checked_name VARCHAR(100) NOT NULL,
  checked_at DATETIME NULL,
  PRIMARY KEY (inspection_id, seq)
);
CREATE INDEX inspection_item_verdict ON inspection_item (inspection_id, verdict, seq);
CREATE TABLE inspection_lock (
  inspection_id BIGINT NOT NULL,
  seq INT NOT NULL,
  user_id BIGINT NOT NULL,
  user_name VARCHAR(100) NOT NULL,
  until_at DATETIME NOT NULL,
  PRIMARY KEY (inspection_id, seq)
);
CREATE TABLE inspection_finding (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  inspection_id BIGINT NOT NULL,
  n INT NOT NULL,
  kind VARCHAR(32) NOT NULL,
  seq INT NOT NULL,
  level VARCHAR(16) NOT NULL,
  words VARCHAR(1000) NOT NULL,
  item_count BIGINT NOT NULL,
  objects TEXT NOT NULL,
  state VARCHAR(16) NOT NULL,
  owner_id BIGINT NOT NULL,
  owner_name VARCHAR(100) NOT NULL,
  due_at DATETIME NULL,
  answer VARCHAR(1000) NOT NULL,
  answered_name VARCHAR(100) NOT NULL,
  answered_at DATETIME NULL,
  remark VARCHAR(1000) NOT NULL,
  closed_name VARCHAR(100) NOT NULL,
  closed_at DATETIME NULL,
  created_name VARCHAR(100) NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX inspection_finding_n ON inspection_finding (inspection_id, n);
CREATE INDEX inspection_finding_owner ON inspection_finding (owner_id, state);
CREATE TABLE inspection_signature (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  inspection_id BIGINT NOT NULL,
  sign_round INT NOT NULL,
  role VARCHAR(16) NOT NULL,
  verdict VARCHAR(16) NOT NULL,
  user_id BIGINT NOT NULL,
  person_id BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  staff_no VARCHAR(64) NOT NULL,
  opinion VARCHAR(1000) NOT NULL,
  root VARCHAR(64) NOT NULL,
  totp_step BIGINT NOT NULL,
  at DATETIME NOT NULL,
  mac BLOB NOT NULL
);
CREATE UNIQUE INDEX inspection_signature_role ON inspection_signature (inspection_id, sign_round, role);
CREATE UNIQUE INDEX inspection_signature_person ON inspection_signature (inspection_id, sign_round, person_id);
