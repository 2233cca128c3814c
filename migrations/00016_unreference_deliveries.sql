-- +goose Up
-- Each check of a reference locks the row it points to, and for a destination that
-- is the same row for every delivery: together they cost as much as a third of the
-- insert. Nothing can break them: an alert and its deliveries are inserted and
-- dropped in one transaction each, whoever adds a delivery later holds the lock of
-- the alert, and rows of destinations are never deleted.
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_alert_id_fkey,
    DROP CONSTRAINT deliveries_destination_id_fkey;

-- +goose Down
ALTER TABLE deliveries
    ADD CONSTRAINT deliveries_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES alerts (id),
    ADD CONSTRAINT deliveries_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES destinations (id);
