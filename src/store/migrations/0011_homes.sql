-- The number (uid) of a person in guests: always the same, and never another's, also after the person has gone.
CREATE TABLE guest_uids (
    user_id TEXT NOT NULL PRIMARY KEY,
    uid BIGINT NOT NULL UNIQUE
) STRICT;

-- What a session's guest is told of the person at log on ("" : not known), and what came of it. warnings: sentences, a line each.
CREATE TABLE log_ons (
    session_id TEXT NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    locale TEXT NOT NULL,
    keyboard TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    account TEXT NOT NULL DEFAULT '',
    has_home BIGINT NOT NULL DEFAULT 0 CHECK (has_home IN (0, 1)),
    warnings TEXT NOT NULL DEFAULT '',
    done_ms BIGINT NOT NULL DEFAULT 0
) STRICT;

-- User disks: one for each person and name; pools that name the same home share it. desktop_id: the only desktop that may have
-- it plugged in; it has no foreign key, for it must outlive the row until the machine is surely gone.
CREATE TABLE user_disks (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    host_id TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('new', 'kept', 'deleting')),
    desktop_id TEXT,
    used_ms BIGINT NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX user_disks_name ON user_disks (user_id, name);
CREATE UNIQUE INDEX user_disks_desktop ON user_disks (desktop_id) WHERE desktop_id IS NOT NULL;

-- Name of the home of those who use this pool ('': none), and the size that a new one gets.
ALTER TABLE pools ADD COLUMN home TEXT NOT NULL DEFAULT '';
ALTER TABLE pools ADD COLUMN home_bytes BIGINT NOT NULL DEFAULT 0;
