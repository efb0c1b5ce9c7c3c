-- Whom a help desk may help: a person, or the members of a group, are limited to the members of some groups. A row without groups
-- limits to nobody, so that a group that is deleted never widens a limit.
CREATE TABLE helpers (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT UNIQUE REFERENCES groups (id) ON DELETE CASCADE,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
) STRICT;

CREATE TABLE helper_groups (
    helper_id TEXT NOT NULL REFERENCES helpers (id) ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (helper_id, group_id)
) STRICT;
CREATE INDEX helper_groups_group ON helper_groups (group_id);

-- Somebody looks on in a person's session, or asks to. by_id NULL: the local administrator, or one who has been deleted.
CREATE TABLE shadows (
    id TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    by_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    by_name TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('view', 'control')),
    consent TEXT NOT NULL CHECK (consent IN ('ask', 'notify')),
    state TEXT NOT NULL CHECK (state IN ('asked', 'allowed', 'refused', 'expired', 'open', 'ended')),
    asked_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX shadows_session ON shadows (session_id);
CREATE INDEX shadows_by ON shadows (by_id);
CREATE INDEX shadows_open ON shadows (state) WHERE state IN ('asked', 'allowed', 'open');
