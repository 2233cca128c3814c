-- +goose NO TRANSACTION
-- +goose Up
-- Ten thousand deliveries at a time: what is done stays done when this is interrupted, and
-- no row is locked for long. The index of the old word finds them until it is dropped.
-- +goose StatementBegin
DO $$
BEGIN
    LOOP
        UPDATE deliveries
        SET reason = 'failing'
        WHERE id IN (
            SELECT id
            FROM deliveries
            WHERE status = 'held' AND reason = 'not_answering'
            ORDER BY held_at
            LIMIT 10000);
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END
$$;
-- +goose StatementEnd
DROP INDEX CONCURRENTLY IF EXISTS deliveries_failing_due;
CREATE INDEX CONCURRENTLY deliveries_failing_due ON deliveries (destination_id, due_at) WHERE status = 'held' AND reason = 'failing';
DROP INDEX CONCURRENTLY IF EXISTS deliveries_failing_since;
CREATE INDEX CONCURRENTLY deliveries_failing_since ON deliveries (held_at) WHERE status = 'held' AND reason = 'failing';
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_due;
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_since;

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    LOOP
        UPDATE deliveries
        SET reason = 'not_answering'
        WHERE id IN (
            SELECT id
            FROM deliveries
            WHERE status = 'held' AND reason = 'failing'
            ORDER BY held_at
            LIMIT 10000);
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END
$$;
-- +goose StatementEnd
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_due;
CREATE INDEX CONCURRENTLY deliveries_held_due ON deliveries (destination_id, due_at) WHERE status = 'held' AND reason = 'not_answering';
DROP INDEX CONCURRENTLY IF EXISTS deliveries_held_since;
CREATE INDEX CONCURRENTLY deliveries_held_since ON deliveries (held_at) WHERE status = 'held' AND reason = 'not_answering';
DROP INDEX CONCURRENTLY IF EXISTS deliveries_failing_due;
DROP INDEX CONCURRENTLY IF EXISTS deliveries_failing_since;
