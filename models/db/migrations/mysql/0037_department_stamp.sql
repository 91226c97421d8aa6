-- +goose Up
-- A number that every change of the departments, and of the paths that they had, moves on in the same transaction: who
-- remembers the tree asks for it. It is the time as well, so that a database that was put back to an older state never
-- gives the number of another state again.
CREATE TABLE IF NOT EXISTS department_stamp (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  moved BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT IGNORE INTO department_stamp (id, moved) VALUES (1, 1);
DROP TRIGGER IF EXISTS department_added;
CREATE TRIGGER department_added AFTER INSERT ON department FOR EACH ROW
UPDATE department_stamp SET moved = GREATEST(moved + 1, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)) WHERE id = 1;
DROP TRIGGER IF EXISTS department_changed;
CREATE TRIGGER department_changed AFTER UPDATE ON department FOR EACH ROW
UPDATE department_stamp SET moved = GREATEST(moved + 1, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)) WHERE id = 1;
DROP TRIGGER IF EXISTS department_removed;
CREATE TRIGGER department_removed AFTER DELETE ON department FOR EACH ROW
UPDATE department_stamp SET moved = GREATEST(moved + 1, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)) WHERE id = 1;
DROP TRIGGER IF EXISTS department_path_added;
CREATE TRIGGER department_path_added AFTER INSERT ON department_path FOR EACH ROW
UPDATE department_stamp SET moved = GREATEST(moved + 1, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)) WHERE id = 1;
DROP TRIGGER IF EXISTS department_path_changed;
CREATE TRIGGER department_path_changed AFTER UPDATE ON department_path FOR EACH ROW
UPDATE department_stamp SET moved = GREATEST(moved + 1, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)) WHERE id = 1;
DROP TRIGGER IF EXISTS department_path_removed;
CREATE TRIGGER department_path_removed AFTER DELETE ON department_path FOR EACH ROW
UPDATE department_stamp SET moved = GREATEST(moved + 1, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)) WHERE id = 1;
