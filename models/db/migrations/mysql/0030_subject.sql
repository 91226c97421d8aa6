-- +goose Up
-- Deletion requests of customers. sealed is what was typed of the customer; open_slot is customer_mac while the request
-- is open, so that a customer has one open request.
CREATE TABLE IF NOT EXISTS subject_request (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  code VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  customer_mac BINARY(32) NOT NULL,
  sealed VARBINARY(1000) NOT NULL,
  reference VARCHAR(100) NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  received_at DATETIME(6) NOT NULL,
  answer_by DATETIME(6) NOT NULL,
  size BIGINT NOT NULL,
  created_by BIGINT UNSIGNED NOT NULL,
  creator_person BIGINT UNSIGNED NOT NULL,
  creator_name VARCHAR(100) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  ended_by BIGINT UNSIGNED NOT NULL,
  ended_person BIGINT UNSIGNED NOT NULL,
  ended_name VARCHAR(100) NOT NULL,
  end_reason VARCHAR(2000) NOT NULL,
  ended_at DATETIME(6) NULL,
  open_slot BINARY(32) NULL,
  request_key VARCHAR(64) NULL,
  mac BINARY(32) NOT NULL,
  UNIQUE KEY code (code),
  UNIQUE KEY open_slot (open_slot),
  UNIQUE KEY request_key (request_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS subject_item (
  request_id BIGINT UNSIGNED NOT NULL,
  conversation_id BIGINT UNSIGNED NOT NULL,
  department_id BIGINT UNSIGNED NOT NULL,
  was_state SMALLINT NOT NULL,
  binned_at DATETIME(6) NULL,
  PRIMARY KEY (request_id, conversation_id),
  KEY conversation (conversation_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
