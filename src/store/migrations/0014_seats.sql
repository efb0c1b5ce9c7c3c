-- Shared session hosts: each machine of a pool with seats > 0 has so many. A seat is a row of desktops that names its machine
-- (seat_of) and has a number (seat: 1...); what is wanted of the machine and what is seen of it stands in its seats' rows too.
-- refresh_due: the machine goes back to its image when its last seat is empty.
ALTER TABLE pools ADD COLUMN seats BIGINT NOT NULL DEFAULT 0 CHECK (seats >= 0);
ALTER TABLE desktops ADD COLUMN seats BIGINT NOT NULL DEFAULT 0 CHECK (seats >= 0);
ALTER TABLE desktops ADD COLUMN seat_of TEXT REFERENCES desktops (id) ON DELETE CASCADE;
ALTER TABLE desktops ADD COLUMN seat BIGINT NOT NULL DEFAULT 0;
ALTER TABLE desktops ADD COLUMN refresh_due BIGINT NOT NULL DEFAULT 0 CHECK (refresh_due IN (0, 1));
CREATE UNIQUE INDEX desktops_seat ON desktops (seat_of, seat) WHERE seat_of IS NOT NULL;
