-- +goose Up
-- The id of the key that the instance seals with. Earlier versions do not say.
SET LOCAL lock_timeout = '5s';

ALTER TABLE instances
    ADD COLUMN sealing_key bigint;

-- +goose Down
SET LOCAL lock_timeout = '5s';

ALTER TABLE instances
    DROP COLUMN sealing_key;
