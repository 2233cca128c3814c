-- +goose Up
-- priority: 1 first attempts, 2 retries, 4 re-sends in bulk, as in river_job.
-- held_at: since when it is held; null when it is not.
ALTER TABLE deliveries
    ADD COLUMN priority smallint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 1 AND 4),
    ADD COLUMN held_at  timestamptz,
    ADD CONSTRAINT deliveries_held_at CHECK (reason <> 'not_answering' OR held_at IS NOT NULL);

-- +goose Down
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_held_at,
    DROP COLUMN priority,
    DROP COLUMN held_at;
