-- +goose Up
CREATE TABLE alerts (
    id                    uuid        PRIMARY KEY, -- UUIDv7: the order of acceptance
    alert_id              text        NOT NULL CHECK (alert_id <> ''),
    detection_id          text        NOT NULL CHECK (detection_id <> ''),
    severity              text        NOT NULL CHECK (severity IN ('INFO', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    type                  text        NOT NULL,
    title                 text        NOT NULL,
    name                  text        NOT NULL,
    link                  text        NOT NULL,
    description           text        NOT NULL,
    runbook               text        NOT NULL,
    version               text        NOT NULL,
    tags                  text[]      NOT NULL,
    log_types             text[]      NOT NULL,
    context               text, -- a JSON object as the producer wrote it; text, so that no parser of Postgres can refuse it
    override              text[],
    unknown_destinations  text[]      NOT NULL DEFAULT '{}',
    nowhere               text        CHECK (nowhere IN ('skip', 'empty_destinations', 'unknown_destinations', 'no_match')),
    input_hash            bytea       NOT NULL,
    created_at            timestamptz NOT NULL, -- the producer's word; nothing is sorted or dropped by it
    created_at_nanos      smallint    NOT NULL CHECK (created_at_nanos BETWEEN 0 AND 999), -- what timestamptz cannot hold
    accepted_at           timestamptz NOT NULL,
    accepted_by           text        NOT NULL,

    -- A producer that repeats its POST must not create a second alert.
    CONSTRAINT alerts_alert_id UNIQUE (alert_id)
);

-- +goose Down
DROP TABLE alerts;
