-- +goose Up
ALTER TABLE conversation ADD COLUMN marks SMALLINT NULL;
ALTER TABLE conversation ADD COLUMN marks_list BIGINT NULL;
