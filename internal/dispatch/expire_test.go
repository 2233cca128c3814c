package dispatch

import (
	"net/http"
	"testing"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

// Held for too long it fails, but only as failing, and only while that is
// so.
func TestExpire(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusServiceUnavailable)
	hook := f.webhook(t, down.URL)
	ids := f.makeFailing(t, hook)
	exec(t, f, `UPDATE deliveries SET held_at = now() - interval '72 hours' - interval '1 second' WHERE id = ANY($1)`, ids[:3])
	exec(t, f, `UPDATE deliveries SET held_at = now() - interval '72 hours' + interval '1 minute' WHERE id = ANY($1)`, ids[3:])
	if err := f.expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.waitAll(t, ids[:3], delivery.Failed)
	f.waitAll(t, ids[3:], delivery.Held)
	if got := f.wait(t, ids[0], is(delivery.Failed)); got.Reason != delivery.Expired || got.Attempts != 1 {
		t.Errorf("%+v", got.Delivery)
	}
	// A probe in between does not begin the time anew.
	f.due(t, ids[3:4])
	f.dueProbe(t, hook)
	until(t, "a probe", func() bool { return f.health(t, hook).Probes == 1 })
	f.delayProbe(t, hook)
	exec(t, f, `UPDATE deliveries SET held_at = held_at - interval '2 minutes' WHERE id = $1`, ids[3])
	if err := f.expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wait(t, ids[3], is(delivery.Failed))
}

func TestExpireOnlyWhatIsFailing(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL)
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 4)
	setState(t, f, hook, destination.Active)
	exec(t, f, `
		INSERT INTO destination_health (destination_id, failures, failing_since, held_since, next_probe_at)
		VALUES ($1, 10, now(), now(), now() + interval '1 hour')`, hook.ID)
	for i, r := range []delivery.Reason{delivery.Paused, delivery.Busy, delivery.Misconfigured, delivery.Failing} {
		exec(t, f, `UPDATE deliveries SET reason = $2, held_at = now() - interval '1 year' WHERE id = $1`, ids[i], r)
	}
	if err := f.expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.waitAll(t, ids[:3], delivery.Held)
	f.waitAll(t, ids[3:], delivery.Failed)
}

// What was held for a destination that kept failing expires only while that is
// what holds it, although nobody has renamed or released it yet.
func TestExpireOnlyWhileItKeepsFailing(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	const well = `UPDATE destination_health SET failures = 0, failing_since = NULL, held_since = NULL, next_probe_at = NULL`
	for name, tt := range map[string]struct {
		change string
		want   delivery.Status
	}{
		"still":                {`SELECT 1`, delivery.Failed},
		"it acks":              {well + ` WHERE destination_id = $1`, delivery.Held},
		"it was never tried":   {`DELETE FROM destination_health WHERE destination_id = $1`, delivery.Held},
		"it is paused":         {`UPDATE destinations SET state = 'paused' WHERE id = $1`, delivery.Held},
		"it is deleted":        {`UPDATE destinations SET deleted_at = now() WHERE id = $1`, delivery.Held},
		"it is not to be held": {`UPDATE destinations SET hold_failing = false WHERE id = $1`, delivery.Held},
	} {
		hook := f.webhook(t, newSink(t).URL)
		exec(t, f, `
			INSERT INTO destination_health (destination_id, failures, failing_since, held_since, next_probe_at)
			VALUES ($1, 10, now(), now(), now() + interval '1 hour')`, hook.ID)
		ids := f.send(t, hook, 3)
		exec(t, f, `UPDATE deliveries SET held_at = now() - interval '73 hours' WHERE id = ANY($1)`, ids)
		if tt.change != `SELECT 1` {
			exec(t, f, tt.change, hook.ID)
		}
		if err := f.expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND status = $2`, ids, tt.want); n != len(ids) {
			t.Errorf("%s: %d of %d are %s", name, n, len(ids), tt.want)
		}
	}
}
