-- +goose Up
-- Ends a transaction that found fewer rows as they had been read than it was to change.
-- +goose StatementBegin
CREATE FUNCTION insist_unchanged(changed bigint, wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF changed <> wanted THEN
        RAISE EXCEPTION 'changed since it was read' USING ERRCODE = 'BF001';
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION insist_unchanged(bigint, bigint);
