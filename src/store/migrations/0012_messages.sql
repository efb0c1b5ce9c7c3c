-- What a help desk has said to a session's person, until they have closed it.
CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    by_name TEXT NOT NULL,
    text TEXT NOT NULL,
    sent_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX messages_session ON messages (session_id);
