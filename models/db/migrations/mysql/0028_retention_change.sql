-- +goose Up
-- Days after which a conversation is to be taken out of the archive (0: no such rule), and after which it must not
-- be there any more.
ALTER TABLE retention_rule ADD COLUMN target_days INT NOT NULL DEFAULT 0, ADD COLUMN ceiling_days INT NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS retention_change (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  code VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  open_slot SMALLINT NULL,
  was TEXT NOT NULL,
  proposal TEXT NOT NULL,
  root BINARY(32) NOT NULL,
  reason VARCHAR(2000) NOT NULL,
  approval_id BIGINT UNSIGNED NOT NULL,
  requester_id BIGINT UNSIGNED NOT NULL,
  requester_person BIGINT UNSIGNED NOT NULL,
  requester_name VARCHAR(100) NOT NULL,
  requested_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  approver_name VARCHAR(100) NOT NULL,
  opinion VARCHAR(2000) NOT NULL,
  decided_at DATETIME(6) NULL,
  effective_at DATETIME(6) NULL,
  closed_name VARCHAR(100) NOT NULL,
  closed_reason VARCHAR(2000) NOT NULL,
  closed_at DATETIME(6) NULL,
  UNIQUE KEY code (code),
  UNIQUE KEY open_slot (open_slot)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- What the nightly count found, so that no page has to count an archive.
CREATE TABLE IF NOT EXISTS retention_count (
  department_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  past_target BIGINT NOT NULL,
  past_ceiling BIGINT NOT NULL,
  never_keep BIGINT NOT NULL,
  unlooked BIGINT NOT NULL,
  counted_at DATETIME(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
