-- +goose Up
-- The tree is who hangs on whom and nothing else: moving a department is a change of one row. Paths and levels
-- are computed, and conversations say their department only. SQLite writes the table of conversations anew for it.
DROP INDEX IF EXISTS department_path;
DROP INDEX IF EXISTS department_parent;
CREATE UNIQUE INDEX department_sibling ON department (parent_id, name);
ALTER TABLE department DROP COLUMN path;
ALTER TABLE department DROP COLUMN level;
ALTER TABLE conversation DROP COLUMN l1;
ALTER TABLE conversation DROP COLUMN l2;
ALTER TABLE conversation DROP COLUMN l3;
-- Under which paths a department was found before, for exports of platforms that still say so.
CREATE TABLE IF NOT EXISTS department_path (
  path VARCHAR(700) NOT NULL PRIMARY KEY,
  department_id BIGINT NOT NULL,
  until DATETIME NOT NULL
);
