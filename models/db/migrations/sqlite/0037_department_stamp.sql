-- +goose Up
-- A number that every change of the departments, and of the paths that they had, moves on in the same transaction: who
-- remembers the tree asks for it. It is the time as well, so that a database that was put back to an older state never
-- gives the number of another state again.
CREATE TABLE IF NOT EXISTS department_stamp (
  id INTEGER NOT NULL PRIMARY KEY,
  moved BIGINT NOT NULL
);
INSERT OR IGNORE INTO department_stamp (id, moved) VALUES (1, 1);
-- +goose StatementBegin
CREATE TRIGGER department_added AFTER INSERT ON department FOR EACH ROW
BEGIN
  UPDATE department_stamp SET moved = MAX(moved + 1, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) WHERE id = 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER department_changed AFTER UPDATE ON department FOR EACH ROW
BEGIN
  UPDATE department_stamp SET moved = MAX(moved + 1, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) WHERE id = 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER department_removed AFTER DELETE ON department FOR EACH ROW
BEGIN
  UPDATE department_stamp SET moved = MAX(moved + 1, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) WHERE id = 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER department_path_added AFTER INSERT ON department_path FOR EACH ROW
BEGIN
  UPDATE department_stamp SET moved = MAX(moved + 1, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) WHERE id = 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER department_path_changed AFTER UPDATE ON department_path FOR EACH ROW
BEGIN
  UPDATE department_stamp SET moved = MAX(moved + 1, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) WHERE id = 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER department_path_removed AFTER DELETE ON department_path FOR EACH ROW
BEGIN
  UPDATE department_stamp SET moved = MAX(moved + 1, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)) WHERE id = 1;
END;
-- +goose StatementEnd
