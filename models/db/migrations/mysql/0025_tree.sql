-- +goose Up
-- The tree is who hangs on whom and nothing else: moving a department is a change of one row. Paths and levels
-- are computed, and conversations say their department only. No index names the columns that go, so MariaDB
-- and MySQL 8 take them away at once.
ALTER TABLE department DROP INDEX path, DROP INDEX parent, ADD UNIQUE KEY sibling (parent_id, name), DROP COLUMN path, DROP COLUMN level;
ALTER TABLE conversation DROP COLUMN l1, DROP COLUMN l2, DROP COLUMN l3;
-- Under which paths a department was found before, for exports of platforms that still say so.
CREATE TABLE IF NOT EXISTS department_path (
  path VARCHAR(700) NOT NULL PRIMARY KEY,
  department_id BIGINT UNSIGNED NOT NULL,
  until DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
