-- +goose Up
SET LOCAL lock_timeout = '2s';

-- rejected: the destination answered that no further attempt can do better. The list of
-- reasons only grows, so all rows pass it: the next step says so, while all others read
-- and write. The version before never writes the new reason, and reads it like any other.
-- The other reasons stay what they are.
-- +goose StatementBegin
DO $$
DECLARE
    reasons text := (
        SELECT pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE conrelid = 'deliveries'::regclass AND conname = 'deliveries_reason');
BEGIN
    EXECUTE 'ALTER TABLE deliveries DROP CONSTRAINT deliveries_reason, ADD CONSTRAINT deliveries_reason '
        || replace(reasons, '''expired''::text', '''expired''::text, ''rejected''::text');
END
$$;
-- +goose StatementEnd

-- +goose Down
SET LOCAL lock_timeout = '2s';
UPDATE deliveries
SET reason = 'attempts_exhausted'
WHERE status = 'failed' AND reason = 'rejected';

-- +goose StatementBegin
DO $$
DECLARE
    reasons text := (
        SELECT pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE conrelid = 'deliveries'::regclass AND conname = 'deliveries_reason');
BEGIN
    EXECUTE 'ALTER TABLE deliveries DROP CONSTRAINT deliveries_reason, ADD CONSTRAINT deliveries_reason '
        || replace(reasons, ', ''rejected''::text', '');
END
$$;
-- +goose StatementEnd
