-- +goose Up
SET LOCAL lock_timeout = '2s';

-- Why the next attempt waits, and since when. First, because whoever records an attempt
-- locks its delivery first.
ALTER TABLE deliveries
    ADD COLUMN wait_reason text,
    ADD COLUMN wait_since  timestamptz;

-- What an attempt sent, wherever the alert alone does not say it, and why it was made
-- when it was. All of it is null for attempts of before, and most of it for nearly all
-- after: a column without a default touches no row.
ALTER TABLE attempts
    ADD COLUMN request_method    text,     -- null: POST
    ADD COLUMN request_url       text,     -- scheme and host
    ADD COLUMN payload_version   smallint, -- the format of the alert's payload that was sent; null: the body is kept, or format 1
    ADD COLUMN request_body      bytea,    -- the first 64 KiB of a body that is no payload
    ADD COLUMN request_body_size bigint,
    ADD COLUMN wait_reason       text,     -- null: nothing was waited for
    ADD COLUMN waited_us         bigint;   -- null: not known

-- +goose Down
SET LOCAL lock_timeout = '2s';
ALTER TABLE deliveries
    DROP COLUMN wait_reason,
    DROP COLUMN wait_since;

ALTER TABLE attempts
    DROP COLUMN request_method,
    DROP COLUMN request_url,
    DROP COLUMN payload_version,
    DROP COLUMN request_body,
    DROP COLUMN request_body_size,
    DROP COLUMN wait_reason,
    DROP COLUMN waited_us;
