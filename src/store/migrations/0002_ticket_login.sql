-- The web session or API token by which a ticket was got: a ticket ends with it. NULL: the local administrator's.
ALTER TABLE tickets ADD COLUMN login_id TEXT;
