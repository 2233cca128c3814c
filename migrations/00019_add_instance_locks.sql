-- +goose Up
-- Whether the instance has an advisory lock for as long as it lives. Earlier versions have none.
ALTER TABLE instances
    ADD COLUMN locks boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE instances
    DROP COLUMN locks;
