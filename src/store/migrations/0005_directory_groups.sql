-- What a directory's group is called there, for people (its DN, or the value of the claim); missing_ms: since when the directory
-- has not had it any more, 0: it has.
ALTER TABLE groups ADD COLUMN external_name TEXT;
ALTER TABLE groups ADD COLUMN missing_ms BIGINT NOT NULL DEFAULT 0;

-- With "when_down": "cached" only: an argon2id hash of the last password that the directory took, to let its people in while it
-- does not answer. Never looked at while it does.
CREATE TABLE directory_passwords (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    verified_ms BIGINT NOT NULL
) STRICT;
