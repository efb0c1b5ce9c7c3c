-- Where people come from besides Oriel itself: a directory (LDAP, Active Directory) or an OpenID provider, asked in this order.
-- settings: a JSON object (store/directory.h); sealed_secret: the bind password or client secret, as secret_seal made it.
CREATE TABLE directories (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ldap', 'oidc')),
    position BIGINT NOT NULL,
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    settings TEXT NOT NULL,
    sealed_secret TEXT,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
) STRICT;

-- external_id: what stays the same there when the name changes (entryUUID, objectGUID, sub). NULL: Oriel's own.
ALTER TABLE users ADD COLUMN directory_id TEXT REFERENCES directories (id);
ALTER TABLE users ADD COLUMN external_id TEXT;
CREATE UNIQUE INDEX users_external ON users (directory_id, external_id) WHERE directory_id IS NOT NULL;
ALTER TABLE groups ADD COLUMN directory_id TEXT REFERENCES directories (id);
ALTER TABLE groups ADD COLUMN external_id TEXT;
CREATE UNIQUE INDEX groups_external ON groups (directory_id, external_id) WHERE directory_id IS NOT NULL;
-- Of a directory's group: the directory said so at the person's last log on; 0: an administrator put them there.
ALTER TABLE group_members ADD COLUMN from_directory BIGINT NOT NULL DEFAULT 0 CHECK (from_directory IN (0, 1));
