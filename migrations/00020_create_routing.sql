-- +goose Up
-- One row, whose version each change of a destination raises: who has read the destinations
-- at a version has read what there is, for as long as the version stands.
CREATE TABLE routing (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    version  bigint  NOT NULL
);

INSERT INTO routing (version) VALUES (1);

-- +goose StatementBegin
CREATE FUNCTION raise_routing_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE routing SET version = version + 1;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- In the end of a transaction, so that the row is locked for a moment only.
CREATE CONSTRAINT TRIGGER destinations_raise_routing_version
    AFTER INSERT OR UPDATE OR DELETE ON destinations
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION raise_routing_version();

-- +goose Down
DROP TRIGGER destinations_raise_routing_version ON destinations;
DROP FUNCTION raise_routing_version();
DROP TABLE routing;
