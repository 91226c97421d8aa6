-- +goose Up
ALTER TABLE certificate ADD COLUMN effective_at DATETIME(6) NULL;
