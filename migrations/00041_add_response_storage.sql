-- +goose Up
SET LOCAL lock_timeout = '5s';

-- What is kept of a destination's answers, and of each attempt what was kept: an
-- attempt outlives a change of the setting. Constant defaults touch no row.
ALTER TABLE destinations
    ADD COLUMN response_storage text NOT NULL DEFAULT 'full'
        CHECK (response_storage IN ('full', 'headers', 'none'));

ALTER TABLE attempts
    ADD COLUMN response_storage  text    NOT NULL DEFAULT 'full',
    ADD COLUMN headers_truncated boolean NOT NULL DEFAULT false; -- there were more headers in the answer than are kept

-- +goose Down
ALTER TABLE attempts
    DROP COLUMN response_storage,
    DROP COLUMN headers_truncated;

ALTER TABLE destinations
    DROP COLUMN response_storage;
