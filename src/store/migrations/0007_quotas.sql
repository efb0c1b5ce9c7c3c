-- How much a person may have: said for a user, a group, or (the group everyone) for all others. NULL: nothing is said; -2: no limit.
CREATE TABLE quotas (
    user_id TEXT UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT UNIQUE REFERENCES groups (id) ON DELETE CASCADE,
    desktops BIGINT CHECK (desktops >= -2),
    running BIGINT CHECK (running >= -2),
    memory_bytes BIGINT CHECK (memory_bytes >= -2),
    disk_bytes BIGINT CHECK (disk_bytes >= -2),
    updated_ms BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
) STRICT;
