-- Several desktops of one floating pool for one person, where the pool allows it: `ordinal` says which of theirs it is, so that
-- no two have the same one, and nobody has more than are counted, whatever the code does.
ALTER TABLE pools ADD COLUMN sessions_a_user BIGINT NOT NULL DEFAULT 1 CHECK (sessions_a_user BETWEEN 1 AND 16);
ALTER TABLE desktops ADD COLUMN ordinal BIGINT NOT NULL DEFAULT 1 CHECK (ordinal BETWEEN 1 AND 16);
DROP INDEX desktops_one_a_user;
CREATE UNIQUE INDEX desktops_one_a_user ON desktops (pool_id, user_id, ordinal) WHERE user_id IS NOT NULL AND desired <> 'deleted';
