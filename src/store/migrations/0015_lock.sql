-- When a session was locked by Oriel (UTC, milliseconds; 0: it is not): who was logged in to the portal before that does not unlock it.
ALTER TABLE sessions ADD COLUMN locked_ms BIGINT NOT NULL DEFAULT 0;
-- When whoever logged in there showed who they are (UTC, milliseconds; 0: never, as a kiosk, or a provider that let them in without asking).
ALTER TABLE web_sessions ADD COLUMN proved_ms BIGINT NOT NULL DEFAULT 0;
