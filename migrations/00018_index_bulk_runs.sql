-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS runs_of_bulk_resend;
CREATE INDEX CONCURRENTLY runs_of_bulk_resend ON runs (bulk_resend_id, delivery_id, run) WHERE bulk_resend_id IS NOT NULL;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS runs_of_bulk_resend;
