-- +goose Up
-- Tags that a person took from a conversation, which an import gives it no more.
CREATE TABLE IF NOT EXISTS removed_tag (
  conversation_id BIGINT UNSIGNED NOT NULL,
  tag_id BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (conversation_id, tag_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
