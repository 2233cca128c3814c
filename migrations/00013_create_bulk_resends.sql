-- +goose Up
-- Many deliveries re-sent by one order, a few at a time, over restarts.
CREATE TABLE bulk_resends (
    id            uuid        PRIMARY KEY, -- UUIDv7
    state         text        NOT NULL CHECK (state IN ('running', 'paused', 'done', 'cancelled')),
    filter        text        NOT NULL, -- JSON, as the order had it
    delivery_ids  uuid[], -- as the order had them; null: by filter
    again         boolean     NOT NULL, -- also what was delivered
    per_second    integer     NOT NULL CHECK (per_second BETWEEN 1 AND 1000),
    total         integer     NOT NULL DEFAULT 0, -- deliveries it took when it was ordered
    resent        integer     NOT NULL DEFAULT 0,
    skipped       integer     NOT NULL DEFAULT 0, -- no longer as ordered when their turn came
    stepped_at    timestamptz NOT NULL, -- up to when its pace is used up
    requested_by  text        NOT NULL,
    request_id    text        NOT NULL,
    created_at    timestamptz NOT NULL,
    finished_at   timestamptz,

    CONSTRAINT bulk_resends_finished CHECK ((finished_at IS NULL) = (state IN ('running', 'paused'))),
    -- Each delivery has one turn, and all have had theirs when it is done.
    CONSTRAINT bulk_resends_turns CHECK (resent + skipped <= total),
    CONSTRAINT bulk_resends_done CHECK (state <> 'done' OR resent + skipped = total)
);

CREATE INDEX bulk_resends_running ON bulk_resends (id) WHERE state = 'running';

-- The deliveries that have not had their turn yet, as they stood when their order
-- was made.
CREATE TABLE bulk_resend_deliveries (
    bulk_resend_id  uuid        NOT NULL REFERENCES bulk_resends (id) ON DELETE CASCADE,
    destination_id  uuid        NOT NULL,
    delivery_id     uuid        NOT NULL, -- no reference: retention may drop it meanwhile
    finished_at     timestamptz NOT NULL, -- once the delivery has another, it is no longer as ordered

    PRIMARY KEY (bulk_resend_id, destination_id, delivery_id)
);

-- +goose Down
DROP TABLE bulk_resend_deliveries;
DROP TABLE bulk_resends;
