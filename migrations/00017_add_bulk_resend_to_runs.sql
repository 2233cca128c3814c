-- +goose Up
-- Which order opened the run: what comes of the deliveries of an order can be told
-- from nothing else, as an order forgets each of them when it has had its turn. A
-- run goes with its delivery, and an order with the last of its runs. Null: opened by itself or one by one, or before this column was.
ALTER TABLE runs
    ADD COLUMN bulk_resend_id uuid,
    ADD CONSTRAINT runs_bulk_resend CHECK (bulk_resend_id IS NULL OR trigger = 'resend');

-- +goose Down
ALTER TABLE runs
    DROP CONSTRAINT runs_bulk_resend,
    DROP COLUMN bulk_resend_id;
