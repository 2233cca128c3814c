-- +goose Up
CREATE TABLE destinations (
    id            uuid        PRIMARY KEY,
    display_name  text        NOT NULL CHECK (display_name <> ''),
    name_key      text        NOT NULL CHECK (name_key <> ''), -- display_name, folded in Go
    type          text        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('active', 'paused')),
    severities    text[]      NOT NULL,
    alert_types   text[]      NOT NULL CHECK (cardinality(alert_types) > 0),
    log_types     text[]      NOT NULL,
    settings      bytea       NOT NULL, -- sealed JSON, bound to this row
    signing       bytea       NOT NULL, -- sealed JSON, bound to this row
    version       bigint      NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz -- the row stays, so that history keeps its name
);

CREATE UNIQUE INDEX destinations_name_key ON destinations (name_key) WHERE deleted_at IS NULL;

-- +goose Down
DROP TABLE destinations;
