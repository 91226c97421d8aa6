-- +goose Up
CREATE TABLE IF NOT EXISTS bin_draft_pick (
  draft_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  PRIMARY KEY (draft_id, conversation_id)
);
