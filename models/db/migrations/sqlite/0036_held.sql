-- +goose Up
-- The guards of what is held are cheap here; on MySQL they ask less often from this number on.
SELECT 1;
