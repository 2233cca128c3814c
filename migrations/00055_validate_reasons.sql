-- +goose Up
SET LOCAL lock_timeout = '2s';

-- Reads every row once, while all others read and write.
ALTER TABLE deliveries VALIDATE CONSTRAINT deliveries_reason;

-- +goose Down
SET LOCAL lock_timeout = '2s';
-- +goose StatementBegin
DO $$
DECLARE
    reasons text := (
        SELECT pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE conrelid = 'deliveries'::regclass AND conname = 'deliveries_reason');
BEGIN
    EXECUTE 'ALTER TABLE deliveries DROP CONSTRAINT deliveries_reason, ADD CONSTRAINT deliveries_reason ' || reasons || ' NOT VALID';
END
$$;
-- +goose StatementEnd
