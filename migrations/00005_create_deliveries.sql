-- +goose Up
CREATE TABLE deliveries (
    id                uuid        PRIMARY KEY,
    alert_id          uuid        NOT NULL REFERENCES alerts (id),
    destination_id    uuid        NOT NULL REFERENCES destinations (id),
    routed_by         text        NOT NULL CHECK (routed_by IN ('filters', 'override', 'manual')),
    status            text        NOT NULL,
    reason            text,
    run               integer     NOT NULL DEFAULT 1 CHECK (run > 0),
    attempts          integer     NOT NULL DEFAULT 0, -- counted, of the present run
    max_attempts      integer     NOT NULL CHECK (max_attempts BETWEEN 1 AND 11),
    made              integer     NOT NULL DEFAULT 0, -- every attempt stored, counted or not, of all runs
    job_id            bigint, -- the one job that may act
    due_at            timestamptz,
    next_trigger      text        NOT NULL DEFAULT 'automatic' CHECK (next_trigger IN ('automatic', 'resend', 'send_now')),
    next_by           text,
    last_attempt_id   uuid,
    last_class        text,
    last_status_code  integer,
    created_at        timestamptz NOT NULL,
    first_ack_at      timestamptz,
    finished_at       timestamptz,

    CONSTRAINT deliveries_once UNIQUE (alert_id, destination_id),
    CONSTRAINT deliveries_status CHECK (status IN ('queued', 'retrying', 'held', 'delivered', 'failed', 'cancelled')),
    CONSTRAINT deliveries_reason CHECK (
        CASE status
            WHEN 'held' THEN reason IN ('paused', 'not_answering', 'busy', 'misconfigured')
            WHEN 'failed' THEN reason IN ('attempts_exhausted', 'expired')
            WHEN 'cancelled' THEN reason IN ('destination_deleted', 'by_person')
            ELSE reason IS NULL
        END IS TRUE
    ),
    CONSTRAINT deliveries_budget CHECK (attempts BETWEEN 0 AND max_attempts),
    CONSTRAINT deliveries_job CHECK ((job_id IS NOT NULL) = (status IN ('queued', 'retrying'))),
    CONSTRAINT deliveries_due CHECK ((due_at IS NOT NULL) = (status IN ('queued', 'retrying', 'held'))),
    CONSTRAINT deliveries_finished CHECK ((finished_at IS NULL) = (status IN ('queued', 'retrying', 'held'))),
    CONSTRAINT deliveries_acked CHECK (status <> 'delivered' OR first_ack_at IS NOT NULL)
) WITH (
    fillfactor = 80, -- a delivery is updated once an attempt, and in place if there is room
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_limit = 2000
);

CREATE INDEX deliveries_of_destination ON deliveries (destination_id, id);
CREATE INDEX deliveries_open ON deliveries (destination_id, id) WHERE status IN ('queued', 'retrying');
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status IN ('queued', 'retrying');
CREATE INDEX deliveries_held ON deliveries (destination_id, reason, id) WHERE status = 'held';
CREATE INDEX deliveries_not_delivered ON deliveries (status, id) WHERE status <> 'delivered';

-- The runs that people opened. Run 1 is the delivery itself; its row is written
-- when run 2 opens, so that an alert delivered at once costs no row here.
CREATE TABLE runs (
    delivery_id   uuid        NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    run           integer     NOT NULL CHECK (run > 0),
    trigger       text        NOT NULL CHECK (trigger IN ('automatic', 'resend')),
    requested_by  text,
    opened_at     timestamptz NOT NULL,
    max_attempts  integer     NOT NULL,

    PRIMARY KEY (delivery_id, run)
);

-- +goose Down
DROP TABLE runs;
DROP TABLE deliveries;
