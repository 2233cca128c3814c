-- +goose Up
-- One row for each process that works jobs, beaten every two seconds by the
-- database's clock. Who has not beaten for ten seconds is dead.
CREATE TABLE instances (
    id          text        PRIMARY KEY, -- as in river_job.attempted_by and river_leader.leader_id
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    version     text        NOT NULL
);

-- A known text sealed with the key in use. A server that cannot open it has the
-- wrong key and must not start.
CREATE TABLE sealing_canary (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    sealed  bytea   NOT NULL
);

-- +goose Down
DROP TABLE sealing_canary;
DROP TABLE instances;
