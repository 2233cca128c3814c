package dispatch

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

// Where the deliveries of one destination cannot be moved, those of others are all the
// same: held, released, and cancelled.
func TestOneThatCannotBeMovedStopsNoOther(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	up := newSink(t)
	stuck, gone := f.webhook(t, up.URL), f.webhook(t, up.URL)
	paused, resumed := f.webhook(t, up.URL), f.webhook(t, up.URL, inState(destination.Paused))
	of := map[string]uuid.UUID{}
	for what, to := range map[string]destination.Destination{"stuck": stuck, "gone": gone, "paused": paused, "resumed": resumed} {
		of[what] = f.send(t, to, 1)[0]
	}
	exec(t, f, `
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`)
	exec(t, f, `
		CREATE TRIGGER refuse BEFORE UPDATE ON deliveries
		FOR EACH ROW WHEN (OLD.destination_id = '`+stuck.ID.String()+`') EXECUTE FUNCTION refuse()`)
	setState(t, f, stuck, destination.Paused)
	setState(t, f, paused, destination.Paused)
	setState(t, f, resumed, destination.Active)
	exec(t, f, `UPDATE destinations SET deleted_at = now() WHERE id = $1`, gone.ID)
	f.limiter.TakeLooks()
	if err := f.move(t.Context()); err == nil {
		t.Error("nobody is told that deliveries cannot be moved")
	}
	f.wait(t, of["paused"], is(delivery.Held))
	f.wait(t, of["gone"], is(delivery.Cancelled))
	if !slices.Contains(f.limiter.TakeLooks(), resumed.ID) {
		t.Error("what may go is not released")
	}
}
