-- +goose Up
-- What is deleted keeps its name, for the history, and none of its secrets. A trigger,
-- so that the version before, which may still run, leaves none behind either.
SET LOCAL lock_timeout = '5s';

-- +goose StatementBegin
CREATE FUNCTION wipe_deleted_destination() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.settings = '';
    NEW.signing = '';
    RETURN NEW;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER destinations_wipe_deleted
    BEFORE INSERT OR UPDATE ON destinations
    FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION wipe_deleted_destination();

UPDATE destinations
SET settings = '', signing = ''
WHERE deleted_at IS NOT NULL;

-- +goose Down
SET LOCAL lock_timeout = '5s';

DROP TRIGGER destinations_wipe_deleted ON destinations;

DROP FUNCTION wipe_deleted_destination();
