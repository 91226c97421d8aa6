-- +goose Up
-- What a search may ask of a conversation that only its body tells, as bits, and by which list of words that was
-- found; NULL where nobody has looked yet. Columns at the end without a value are added without touching the rows.
ALTER TABLE conversation ADD COLUMN marks SMALLINT UNSIGNED NULL, ADD COLUMN marks_list INT UNSIGNED NULL;
