-- One text for both databases. It is PostgreSQL's SQL with STRICT after each table; SQLite gets INTEGER for BIGINT, PostgreSQL
-- TEXT COLLATE "C" for TEXT and no STRICT (sqlite.c, postgres.c); lines after "-- only NAME" are for that database, until
-- "-- both". Truth values are 0 and 1, times UTC milliseconds with 0 for never.
-- A migration that has been released is never changed: write the next one.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Whoever is about to take away an administrator updates this row first, so that two at once cannot take the last two.
INSERT INTO meta (key, value) VALUES ('lock.admins', '');

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    email TEXT NOT NULL,
    roles TEXT NOT NULL,
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    password_hash TEXT,
    last_login_ms BIGINT NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE groups (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
) STRICT;

-- Built in: every enabled user, now and later. It has no members of its own (store/user.h, STORE_GROUP_EVERYONE).
INSERT INTO groups (id, name, display_name, created_ms, updated_ms)
VALUES ('000000000000000000EVERY0NE', 'everyone', 'Everyone', 0, 0);

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
) STRICT;
CREATE INDEX group_members_user ON group_members (user_id);

CREATE TABLE hosts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    oriel_version TEXT NOT NULL,
    accelerator TEXT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    vcpus BIGINT NOT NULL,
    service TEXT NOT NULL DEFAULT 'open' CHECK (service IN ('open', 'draining', 'maintenance')),
    detail TEXT NOT NULL,
    heartbeat_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
) STRICT;

-- What the charts show: store/sample.h. An object is a pool or a host; of one that is gone its figures stay.
CREATE TABLE samples (
    name TEXT NOT NULL,
    object TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name, object, time_ms)
) STRICT;
CREATE INDEX samples_time ON samples (time_ms);

CREATE TABLE images (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    recipe_name TEXT NOT NULL,
    next_number BIGINT NOT NULL DEFAULT 1,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE image_versions (
    id TEXT NOT NULL PRIMARY KEY,
    image_id TEXT NOT NULL REFERENCES images (id),
    number BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'failed', 'deleting')),
    recipe TEXT NOT NULL,
    manifest TEXT NOT NULL DEFAULT '',
    checksum TEXT NOT NULL DEFAULT '',
    disk_bytes BIGINT NOT NULL DEFAULT 0,
    file_bytes BIGINT NOT NULL DEFAULT 0,
    job_id TEXT,
    error TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    UNIQUE (image_id, number)
) STRICT;

-- Reusable settings that pools and policies choose: broker/plan.h says what `settings` (a JSON object) may hold.
CREATE TABLE plans (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('power', 'release', 'display')),
    settings TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE pools (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('floating', 'dedicated', 'manual')),
    provisioning TEXT NOT NULL DEFAULT 'instant' CHECK (provisioning IN ('instant', 'linked', 'full')),
    assignment TEXT NOT NULL DEFAULT 'automatic' CHECK (assignment IN ('automatic', 'manual')),
    users_a_desktop BIGINT NOT NULL DEFAULT 1 CHECK (users_a_desktop > 0),
    image_id TEXT REFERENCES images (id),
    image_version_id TEXT REFERENCES image_versions (id),
    size BIGINT NOT NULL CHECK (size > 0),
    minimum BIGINT NOT NULL DEFAULT 0 CHECK (minimum >= 0),
    spares BIGINT NOT NULL CHECK (spares >= 0),
    naming TEXT NOT NULL,
    memory_bytes BIGINT NOT NULL CHECK (memory_bytes >= 0),
    vcpus BIGINT NOT NULL CHECK (vcpus >= 0),
    application TEXT NOT NULL DEFAULT '',
    icon TEXT NOT NULL DEFAULT '',
    refresh_on_log_off BIGINT NOT NULL CHECK (refresh_on_log_off IN (0, 1)),
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    maintenance BIGINT NOT NULL CHECK (maintenance IN (0, 1)),
    draining BIGINT NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)),
    deleting BIGINT NOT NULL DEFAULT 0 CHECK (deleting IN (0, 1)),
    power_plan_id TEXT REFERENCES plans (id),
    release_plan_id TEXT REFERENCES plans (id),
    display_plan_id TEXT REFERENCES plans (id),
    next_number BIGINT NOT NULL DEFAULT 1,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    CHECK ((image_id IS NULL) = (type = 'manual'))
) STRICT;
CREATE INDEX pools_image ON pools (image_id);
CREATE INDEX pools_image_version ON pools (image_version_id);
CREATE INDEX pools_power_plan ON pools (power_plan_id);
CREATE INDEX pools_release_plan ON pools (release_plan_id);
CREATE INDEX pools_display_plan ON pools (display_plan_id);

CREATE TABLE entitlements (
    pool_id TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT REFERENCES groups (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX entitlements_user ON entitlements (user_id, pool_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX entitlements_group ON entitlements (group_id, pool_id) WHERE group_id IS NOT NULL;
CREATE INDEX entitlements_pool ON entitlements (pool_id);

CREATE TABLE desktops (
    id TEXT NOT NULL PRIMARY KEY,
    pool_id TEXT NOT NULL REFERENCES pools (id),
    host_id TEXT NOT NULL REFERENCES hosts (id),
    name TEXT NOT NULL UNIQUE,
    image_version_id TEXT REFERENCES image_versions (id),
    maintenance BIGINT NOT NULL DEFAULT 0 CHECK (maintenance IN (0, 1)),
    protocol TEXT CHECK (protocol IN ('vnc', 'rdp')),
    address TEXT,
    port BIGINT CHECK (port BETWEEN 1 AND 65535),
    wake_mac TEXT,
    sealed_password TEXT,
    desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped', 'suspended', 'off', 'deleted')),
    observed TEXT NOT NULL CHECK (observed IN ('absent', 'starting', 'running', 'stopping', 'stopped', 'failed')),
    generation BIGINT NOT NULL,
    observed_generation BIGINT NOT NULL,
    user_id TEXT REFERENCES users (id),
    assigned_ms BIGINT NOT NULL DEFAULT 0,
    agent TEXT NOT NULL CHECK (agent IN ('none', 'ready')),
    error TEXT,
    mac TEXT,
    machine_id TEXT,
    observed_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    CHECK (observed_generation <= generation),
    -- A machine that was there before has an address, one of ours an image.
    CHECK ((protocol IS NULL) = (image_version_id IS NOT NULL)),
    CHECK ((protocol IS NULL) = (address IS NULL) AND (protocol IS NULL) = (port IS NULL))
) STRICT;
-- Never two desktops for one user in one pool, whatever the code does.
CREATE UNIQUE INDEX desktops_one_a_user ON desktops (pool_id, user_id) WHERE user_id IS NOT NULL AND desired <> 'deleted';
CREATE INDEX desktops_pool ON desktops (pool_id);
-- What a click looks at first: nobody's, and ready.
CREATE INDEX desktops_ready ON desktops (pool_id)
    WHERE user_id IS NULL AND desired = 'running' AND observed = 'running' AND agent = 'ready' AND maintenance = 0;
CREATE INDEX desktops_host ON desktops (host_id);
CREATE INDEX desktops_user ON desktops (user_id);
CREATE INDEX desktops_image_version ON desktops (image_version_id);
CREATE UNIQUE INDEX desktops_mac ON desktops (mac) WHERE mac IS NOT NULL;

-- Who may use a dedicated or manual desktop, the one in desktops.user_id among them (the first). A floating desktop has
-- its one user in desktops.user_id alone. Never two desktops for one user in one pool here either.
CREATE TABLE assignments (
    desktop_id TEXT NOT NULL REFERENCES desktops (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id),
    pool_id TEXT NOT NULL REFERENCES pools (id),
    assigned_ms BIGINT NOT NULL,
    PRIMARY KEY (desktop_id, user_id),
    UNIQUE (pool_id, user_id)
) STRICT;
CREATE INDEX assignments_user ON assignments (user_id);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    user_name TEXT NOT NULL,
    pool_id TEXT REFERENCES pools (id) ON DELETE SET NULL,
    pool_name TEXT NOT NULL,
    desktop_id TEXT REFERENCES desktops (id) ON DELETE SET NULL,
    desktop_name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('connecting', 'connected', 'disconnected', 'ended')),
    client TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL DEFAULT 0,
    end_reason TEXT NOT NULL DEFAULT '',
    version BIGINT NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX sessions_one_a_desktop ON sessions (desktop_id) WHERE state <> 'ended';
CREATE INDEX sessions_desktop ON sessions (desktop_id);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_pool ON sessions (pool_id);

CREATE TABLE tickets (
    hash TEXT NOT NULL PRIMARY KEY,
    session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
    desktop_id TEXT NOT NULL REFERENCES desktops (id) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    client TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('own', 'console', 'view', 'control')),
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tickets_session ON tickets (session_id);
CREATE INDEX tickets_desktop ON tickets (desktop_id);
CREATE INDEX tickets_user ON tickets (user_id);
CREATE INDEX tickets_expires ON tickets (expires_ms);

-- Displays that are open now: what the gateway relays, so that orield knows after a restart who looks at what. The id is all that the
-- gateway is told. user_id NULL: the local administrator.
CREATE TABLE displays (
    id TEXT NOT NULL PRIMARY KEY,
    host_id TEXT NOT NULL,
    desktop_id TEXT NOT NULL REFERENCES desktops (id) ON DELETE CASCADE,
    session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    login_id TEXT,
    mode TEXT NOT NULL CHECK (mode IN ('own', 'console', 'view', 'control')),
    client TEXT NOT NULL,
    opened_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX displays_host ON displays (host_id);
CREATE INDEX displays_desktop ON displays (desktop_id);
CREATE INDEX displays_session ON displays (session_id);
CREATE INDEX displays_user ON displays (user_id);

CREATE TABLE web_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    scopes TEXT NOT NULL,
    means TEXT NOT NULL CHECK (means IN ('password', 'provider', 'kiosk')),
    means_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX web_sessions_user ON web_sessions (user_id);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    used_ms BIGINT NOT NULL DEFAULT 0,
    expires_ms BIGINT NOT NULL,
    UNIQUE (user_id, name)
) STRICT;

-- The second factor: a secret shared with the person's device (sealed), and codes for the day it is lost (hashes).
CREATE TABLE totp (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    last_step BIGINT NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL,
    confirmed_ms BIGINT NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE recovery_codes (
    hash TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

CREATE TABLE links (
    hash TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX links_user ON links (user_id);

CREATE TABLE login_failures (
    key TEXT NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX login_failures_last ON login_failures (last_ms);

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object_name TEXT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    progress BIGINT NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    step TEXT NOT NULL DEFAULT '',
    error TEXT,
    cancel_requested BIGINT NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    host_id TEXT NOT NULL,
    instance TEXT NOT NULL,
    created_by TEXT REFERENCES users (id) ON DELETE SET NULL,
    creator_name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    started_ms BIGINT NOT NULL DEFAULT 0,
    ended_ms BIGINT NOT NULL DEFAULT 0,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    log_next BIGINT NOT NULL DEFAULT 1,
    log_bytes BIGINT NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_state ON jobs (state);
CREATE INDEX jobs_object ON jobs (object_id);
CREATE INDEX jobs_created_by ON jobs (created_by);

CREATE TABLE job_logs (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    piece TEXT NOT NULL,
    PRIMARY KEY (job_id, position)
) STRICT;

-- No foreign keys: the trail outlives what it tells about. Each row's hash is over the hash before it and all its own
-- fields (event_chain.c).
CREATE TABLE events (
    sequence BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    time_ms BIGINT NOT NULL,
    actor_id TEXT,
    actor_name TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object_name TEXT NOT NULL,
    result TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX events_object ON events (object_id, sequence);

-- One row: the newest event, and the last one that retention removed. Whoever appends locks it, just before the commit.
CREATE TABLE event_head (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    sequence BIGINT NOT NULL,
    hash TEXT NOT NULL,
    anchor_sequence BIGINT NOT NULL,
    anchor_hash TEXT NOT NULL
) STRICT;
INSERT INTO event_head (one, sequence, hash, anchor_sequence, anchor_hash) VALUES (1, 0, '', 0, '');

-- Events are never changed, and only what the anchor covers is removed. This stops accidents and careless hands; who may
-- drop a trigger is found by the chain.
-- only sqlite
CREATE TRIGGER events_unchanged BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_kept BEFORE DELETE ON events WHEN OLD.sequence > (SELECT anchor_sequence FROM event_head)
BEGIN SELECT RAISE(ABORT, 'events are removed by retention only'); END;
CREATE TRIGGER event_head_forward BEFORE UPDATE ON event_head
WHEN NEW.sequence < OLD.sequence OR NEW.anchor_sequence < OLD.anchor_sequence
BEGIN SELECT RAISE(ABORT, 'the chain of events only grows'); END;
CREATE TRIGGER event_head_kept BEFORE DELETE ON event_head
BEGIN SELECT RAISE(ABORT, 'the chain of events has one head'); END;
-- only postgresql
CREATE FUNCTION events_guard() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF TG_TABLE_NAME = 'events' AND TG_OP = 'DELETE' THEN
        IF OLD.sequence <= (SELECT anchor_sequence FROM event_head) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'events are removed by retention only';
    ELSIF TG_TABLE_NAME = 'event_head' AND TG_OP = 'UPDATE' THEN
        IF NEW.sequence >= OLD.sequence AND NEW.anchor_sequence >= OLD.anchor_sequence THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the chain of events only grows';
    END IF;
    RAISE EXCEPTION 'events are never changed';
END $guard$;
CREATE TRIGGER events_guard BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_guard();
CREATE TRIGGER events_kept BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_guard();
CREATE TRIGGER event_head_guard BEFORE UPDATE OR DELETE ON event_head FOR EACH ROW EXECUTE FUNCTION events_guard();
CREATE TRIGGER event_head_kept BEFORE TRUNCATE ON event_head FOR EACH STATEMENT EXECUTE FUNCTION events_guard();
-- both

-- How far each way out ("syslog", "webhook") has come, and which host walks it (event_forward.c).
CREATE TABLE event_forwards (
    name TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    host_id TEXT NOT NULL,
    lease_ms BIGINT NOT NULL,
    failing_ms BIGINT NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE idempotency_keys (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    status BIGINT NOT NULL DEFAULT 0,
    body TEXT NOT NULL DEFAULT '',
    headers TEXT NOT NULL DEFAULT '',
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_ms);
