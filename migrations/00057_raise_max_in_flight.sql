-- +goose Up
SET LOCAL lock_timeout = '2s';

-- max_in_flight becomes the ceiling of a limit that follows what the destination can take.
-- 16 was what a destination got that said nothing of it, and is where that limit begins.
-- The version before would have as many in flight as this says, so its servers have to be
-- stopped.
ALTER TABLE destinations ALTER COLUMN max_in_flight SET DEFAULT 256;
UPDATE destinations SET max_in_flight = 256, version = version + 1 WHERE max_in_flight = 16;

-- +goose Down
SET LOCAL lock_timeout = '2s';
ALTER TABLE destinations ALTER COLUMN max_in_flight SET DEFAULT 16;
UPDATE destinations SET max_in_flight = 16, version = version + 1 WHERE max_in_flight = 256;
