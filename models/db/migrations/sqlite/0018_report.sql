-- +goose Up
ALTER TABLE audit_report ADD COLUMN kind VARCHAR(16) NOT NULL DEFAULT 'operations';
ALTER TABLE audit_report ADD COLUMN department_id BIGINT NOT NULL DEFAULT 0;
