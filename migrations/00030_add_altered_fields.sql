-- +goose Up
SET LOCAL lock_timeout = '5s';

-- Where characters that cannot be stored were replaced in the alert as it was posted.
-- Null: nowhere, as for nearly all, for whom this takes no room. Without a CHECK, which would read
-- all alerts under the lock.
ALTER TABLE alerts ADD COLUMN altered_fields text[];

-- +goose Down
SET LOCAL lock_timeout = '5s';
ALTER TABLE alerts DROP COLUMN altered_fields;
