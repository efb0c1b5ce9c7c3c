-- Devices that log in by themselves: by address, by the certificate that they show, or only by both. Their logins are web sessions of
-- means 'kiosk'. Networks and certificates (SHA-256 in hex) are words.
CREATE TABLE kiosks (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    networks TEXT NOT NULL,
    certificates TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    pool_id TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX kiosks_of_user ON kiosks (user_id);
CREATE INDEX kiosks_of_pool ON kiosks (pool_id);
