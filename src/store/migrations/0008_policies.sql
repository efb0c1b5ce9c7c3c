-- Policies, tried by position: the first whose conditions hold decides which plans hold and who does not get in (broker/policy.h).
-- settings: a JSON object: roles, addresses, devices, times. deny: a sentence; NULL: lets in.
CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    position BIGINT NOT NULL,
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    settings TEXT NOT NULL,
    deny TEXT,
    power_plan_id TEXT REFERENCES plans (id),
    release_plan_id TEXT REFERENCES plans (id),
    display_plan_id TEXT REFERENCES plans (id),
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX policies_position ON policies (position);
CREATE INDEX policies_power_plan ON policies (power_plan_id);
CREATE INDEX policies_release_plan ON policies (release_plan_id);
CREATE INDEX policies_display_plan ON policies (display_plan_id);

-- What a policy names. object_id refers to nothing on purpose: what has been deleted stays, by its last name, and nobody is it any more.
-- shows: a pool that is shown; all others are hidden.
CREATE TABLE policy_members (
    policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group', 'pool', 'shows')),
    object_id TEXT NOT NULL,
    object_name TEXT NOT NULL,
    PRIMARY KEY (policy_id, kind, object_id)
) STRICT;

-- What was decided at the last click on a desktop, and again whenever policies change while its session is open. Plans that are NULL are
-- the pool's; policy_id NULL: no policy decided.
CREATE TABLE choices (
    desktop_id TEXT NOT NULL PRIMARY KEY REFERENCES desktops (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    device TEXT NOT NULL,
    policy_id TEXT,
    policy_name TEXT NOT NULL,
    power_plan_id TEXT,
    release_plan_id TEXT,
    display_plan_id TEXT
) STRICT;
