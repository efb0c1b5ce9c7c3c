-- Whether somebody works in a session: the last input that is known (written when it is a while newer than what is here), whether the
-- guest's screen is locked; and how long each step of the last log-on took (a JSON array, broker/steps.h).
ALTER TABLE sessions ADD COLUMN input_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN locked BIGINT NOT NULL DEFAULT 0 CHECK (locked IN (0, 1));
ALTER TABLE sessions ADD COLUMN steps TEXT NOT NULL DEFAULT '[]';
