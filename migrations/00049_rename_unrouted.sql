-- +goose Up
SET LOCAL lock_timeout = '2s';

-- One word in the table, the API and the metric. Names only: no row is read or written.
-- The version before does not know the new name, so its servers have to be stopped.
ALTER TABLE alerts RENAME COLUMN nowhere TO unrouted;
ALTER TABLE alerts RENAME CONSTRAINT alerts_nowhere_check TO alerts_unrouted_check;

-- +goose Down
SET LOCAL lock_timeout = '2s';
ALTER TABLE alerts RENAME CONSTRAINT alerts_unrouted_check TO alerts_nowhere_check;
ALTER TABLE alerts RENAME COLUMN unrouted TO nowhere;
