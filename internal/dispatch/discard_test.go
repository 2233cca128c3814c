package dispatch

import (
	"testing"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/postgres"
)

// What waits in memory for its destination is stored as running, like an attempt
// that is under way. Discarded at once after a pause, it goes all the same.
func TestDiscardRightAfterAPause(t *testing.T) {
	t.Parallel()
	f := start(t)
	hook := newSink(t).pass()
	to := f.webhook(t, receiver(t, hook.ServeHTTP).URL, limited(destination.Limits{MaxInFlight: 1}))
	f.waitAll(t, f.send(t, to, 20), delivery.Delivered) // it is known to be quick, so that some wait in memory
	before, _, _ := hook.arrivals()
	hook.hang()
	ids := f.send(t, to, 40)
	until(t, "one is under way", func() bool { _, present, _ := hook.arrivals(); return present == 1 })
	to.State = destination.Paused
	change(t, f, to)
	discarded := 0
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) (err error) {
		discarded, err = f.Discard(t.Context(), tx, to.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	hook.unblock()
	until(t, "the one under way is delivered", func() bool {
		return count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND status = $2`, ids, delivery.Delivered) == 1
	})
	if came, _, _ := hook.arrivals(); discarded != 39 || came-before != 1 {
		t.Errorf("%d are discarded and %d came, want 39 and 1", discarded, came-before)
	}
}
