-- +goose Up
-- One row for each destination that was ever sent to, shared by all replicas:
-- whether it answers, and who may probe it while it does not.
CREATE TABLE destination_health (
    destination_id       uuid        PRIMARY KEY REFERENCES destinations (id),
    failures             integer     NOT NULL DEFAULT 0, -- counted attempts that failed since the last ack
    failed_deliveries    uuid[]      NOT NULL DEFAULT '{}', -- the first few of them, each once
    failing_since        timestamptz,
    not_answering_since  timestamptz, -- null: it answers
    announced            boolean     NOT NULL DEFAULT false, -- others were told that it does not
    probes               integer     NOT NULL DEFAULT 0, -- since it stopped answering
    next_probe_at        timestamptz,
    probe_delivery_id    uuid, -- the one held delivery that may try
    probe_until          timestamptz, -- then another may
    slow_until           timestamptz, -- it asked us, with 429 and Retry-After, to hold off
    last_ack_at          timestamptz,
    last_failure_at      timestamptz,
    last_class           text, -- of the last failure, like the next two
    last_status_code     integer,
    last_error           text        NOT NULL DEFAULT '',

    CONSTRAINT destination_health_failing CHECK ((failures > 0) = (failing_since IS NOT NULL)),
    CONSTRAINT destination_health_probing CHECK ((next_probe_at IS NULL) = (not_answering_since IS NULL)),
    CONSTRAINT destination_health_lease CHECK ((probe_delivery_id IS NULL) = (probe_until IS NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- What became of attempts, summed up for ten minutes each, written with the
-- attempts themselves: nobody has to count them again.
CREATE TABLE destination_stats (
    destination_id  uuid        NOT NULL REFERENCES destinations (id),
    since           timestamptz NOT NULL,
    acked           integer     NOT NULL,
    failed          integer     NOT NULL,
    durations       integer[]   NOT NULL, -- how many took how long: see delivery.Durations

    PRIMARY KEY (destination_id, since)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- +goose Down
DROP TABLE destination_stats;
DROP TABLE destination_health;
