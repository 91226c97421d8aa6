-- +goose Up
CREATE TABLE IF NOT EXISTS saved_search (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  code VARCHAR(32) NOT NULL,
  owner_id BIGINT UNSIGNED NOT NULL,
  audience VARCHAR(16) NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  role VARCHAR(16) NOT NULL,
  name_mac BINARY(32) NOT NULL,
  sealed VARBINARY(16000) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  changed_at DATETIME(6) NOT NULL,
  UNIQUE KEY code (code),
  UNIQUE KEY name (owner_id, name_mac),
  KEY audience (audience, department_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS search_place (
  user_id BIGINT UNSIGNED NOT NULL,
  search_id BIGINT UNSIGNED NOT NULL,
  place INT NOT NULL,
  PRIMARY KEY (user_id, search_id),
  KEY search (search_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
