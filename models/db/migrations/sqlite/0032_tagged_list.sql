-- +goose Up
-- In which entries of the log about many conversations each of them was. Entries before the one that
-- conversation 0 names have no rows.
CREATE TABLE IF NOT EXISTS tagged_list (
  conversation_id BIGINT NOT NULL,
  leaf BIGINT NOT NULL,
  PRIMARY KEY (conversation_id, leaf)
);
INSERT INTO tagged_list (conversation_id, leaf) SELECT 0, m.n FROM (SELECT COALESCE(MAX(n) + 1, 0) AS n FROM audit_leaf) m WHERE NOT EXISTS (SELECT 1 FROM tagged_list t WHERE t.conversation_id = 0);
