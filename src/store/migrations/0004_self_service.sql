-- What people may do with their own desktop of a pool: words of restart, reset, refresh.
ALTER TABLE pools ADD COLUMN self_service TEXT NOT NULL DEFAULT 'restart reset';
UPDATE pools SET self_service = '' WHERE type = 'manual';
