-- +goose Up
CREATE TABLE IF NOT EXISTS saved_search (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code VARCHAR(32) NOT NULL,
  owner_id BIGINT NOT NULL,
  audience VARCHAR(16) NOT NULL,
  department_id BIGINT NOT NULL,
  role VARCHAR(16) NOT NULL,
  name_mac BLOB NOT NULL,
  sealed BLOB NOT NULL,
  created_at DATETIME NOT NULL,
  changed_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS saved_search_code ON saved_search (code);
CREATE UNIQUE INDEX IF NOT EXISTS saved_search_name ON saved_search (owner_id, name_mac);
CREATE INDEX IF NOT EXISTS saved_search_audience ON saved_search (audience, department_id);
CREATE TABLE IF NOT EXISTS search_place (
  user_id BIGINT NOT NULL,
  search_id BIGINT NOT NULL,
  place INT NOT NULL,
  PRIMARY KEY (user_id, search_id)
);
CREATE INDEX IF NOT EXISTS search_place_search ON search_place (search_id);
