-- +goose Up
CREATE TABLE IF NOT EXISTS bin_draft_pick (
  draft_id BIGINT UNSIGNED NOT NULL,
  conversation_id BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (draft_id, conversation_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
