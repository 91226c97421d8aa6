-- +goose Up
-- The guards of what is held ask once for all rows up to the next one that any hold names, in place of once for each row: the
-- question cost three times what the row's deletion does. An answer counts for the statement that asked alone (the time of its
-- beginning tells statements apart), so a hold that is placed between two statements is seen by the second. Within one
-- statement it may be missed; the program does not come to that, since holds and purges lock the hold epoch. A hold's row
-- that is just being written behind the deleted one is waited for. Whoever stops the session's clock or sets these
-- variables to go by is somebody who could have ended the hold's row; fsck finds what was deleted so.
DROP TRIGGER IF EXISTS conversation_held;
-- +goose StatementBegin
CREATE TRIGGER conversation_held BEFORE DELETE ON conversation FOR EACH ROW
BEGIN
  IF @qingdang_free_at IS NULL OR @qingdang_free_at <> NOW(6) OR OLD.id < @qingdang_free_from OR OLD.id > @qingdang_free_to THEN
    IF EXISTS (SELECT 1 FROM hold_item hi JOIN legal_hold lh ON lh.id = hi.hold_id WHERE hi.conversation_id = OLD.id AND lh.released_at IS NULL) THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'under a legal hold';
    END IF;
    SET @qingdang_free_from = OLD.id;
    SET @qingdang_free_to = COALESCE((SELECT MIN(hi.conversation_id) - 1 FROM hold_item hi WHERE hi.conversation_id > OLD.id), 18446744073709551615);
    SET @qingdang_free_at = NOW(6);
  END IF;
END
-- +goose StatementEnd
DROP TRIGGER IF EXISTS conversation_body_held;
-- +goose StatementBegin
CREATE TRIGGER conversation_body_held BEFORE DELETE ON conversation_body FOR EACH ROW
BEGIN
  IF @qingdang_free_at IS NULL OR @qingdang_free_at <> NOW(6) OR OLD.id < @qingdang_free_from OR OLD.id > @qingdang_free_to THEN
    IF EXISTS (SELECT 1 FROM hold_item hi JOIN legal_hold lh ON lh.id = hi.hold_id WHERE hi.conversation_id = OLD.id AND lh.released_at IS NULL) THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'under a legal hold';
    END IF;
    SET @qingdang_free_from = OLD.id;
    SET @qingdang_free_to = COALESCE((SELECT MIN(hi.conversation_id) - 1 FROM hold_item hi WHERE hi.conversation_id > OLD.id), 18446744073709551615);
    SET @qingdang_free_at = NOW(6);
  END IF;
END
-- +goose StatementEnd
DROP TRIGGER IF EXISTS conversation_key_held;
-- +goose StatementBegin
CREATE TRIGGER conversation_key_held BEFORE DELETE ON conversation_key FOR EACH ROW
BEGIN
  IF @qingdang_free_at IS NULL OR @qingdang_free_at <> NOW(6) OR OLD.id < @qingdang_free_from OR OLD.id > @qingdang_free_to THEN
    IF EXISTS (SELECT 1 FROM hold_item hi JOIN legal_hold lh ON lh.id = hi.hold_id WHERE hi.conversation_id = OLD.id AND lh.released_at IS NULL) THEN
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'under a legal hold';
    END IF;
    SET @qingdang_free_from = OLD.id;
    SET @qingdang_free_to = COALESCE((SELECT MIN(hi.conversation_id) - 1 FROM hold_item hi WHERE hi.conversation_id > OLD.id), 18446744073709551615);
    SET @qingdang_free_at = NOW(6);
  END IF;
END
-- +goose StatementEnd
