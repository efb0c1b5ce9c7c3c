-- When a session was locked by Oriel (UTC, milliseconds; 0: it is not): who was logged in to the portal before that does not unlock it.
ALTER TABLE sessions ADD COLUMN locked_ms BIGINT NOT NULL DEFAULT 0;
