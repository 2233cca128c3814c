-- +goose Up
-- Nobody searches jobs by kind, arguments or metadata; without these three
-- indexes a job costs about half as much to insert, run and complete.
DROP INDEX river_job_args_index;
DROP INDEX river_job_metadata_index;
DROP INDEX river_job_kind;

-- What is due, without reading every job that waits.
CREATE INDEX belfry_river_due ON river_job (scheduled_at)
    WHERE state IN ('scheduled', 'retryable');

ALTER TABLE river_job SET (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_limit = 2000
);

-- +goose Down
ALTER TABLE river_job RESET (
    autovacuum_vacuum_scale_factor,
    autovacuum_analyze_scale_factor,
    autovacuum_vacuum_cost_limit
);
DROP INDEX belfry_river_due;
CREATE INDEX river_job_kind ON river_job (kind);
CREATE INDEX river_job_metadata_index ON river_job USING GIN (metadata);
CREATE INDEX river_job_args_index ON river_job USING GIN (args);
