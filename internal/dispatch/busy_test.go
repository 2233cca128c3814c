package dispatch

import (
	"net/http"
	"testing"

	"belfry/internal/delivery"
)

// A destination that answers nothing but 429 keeps failing like any other, and
// a 429 for the probe of one that fails shows nothing better. An ack does.
func TestNothingBut429(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	down := newSink(t).answer(http.StatusTooManyRequests)
	hook := f.webhook(t, down.URL)
	for range 10 {
		f.fails(t, hook, 1)
	}
	if h := f.health(t, hook); h.Holding() || h.Failures != 0 || h.Unacked != 10 || !h.KeepsFailing() {
		t.Errorf("after ten 429 at once: %+v", h)
	}
	exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '31 seconds'`)
	ids := f.fails(t, hook, 1)
	f.untilHolding(t, hook, true)
	f.delayProbe(t, hook)
	f.soon(t, "all are held", func() bool { return f.heldFor(t, hook, delivery.Failing) == 11 })

	f.due(t, ids)
	f.dueProbe(t, hook)
	until(t, "a probe", func() bool { return f.health(t, hook).Probes == 1 })
	f.delayProbe(t, hook)
	if h := f.health(t, hook); !h.Holding() {
		t.Errorf("a 429 mended it: %+v", h)
	}
	down.answer(http.StatusOK)
	f.due(t, ids)
	f.dueProbe(t, hook)
	f.soonAll(t, ids, delivery.Delivered)
	if h := f.health(t, hook); h.Holding() || h.Unacked != 0 {
		t.Errorf("after an ack: %+v", h)
	}
	f.wantNoRepairs(t)
}

// One that acks now and then is busy, and not failing, however often it answers
// 429 in between.
func TestBusyIsNotFailing(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	up := newSink(t)
	hook := f.webhook(t, up.URL)
	for range 3 {
		up.answer(http.StatusTooManyRequests)
		for range 9 {
			f.fails(t, hook, 1)
		}
		exec(t, f, `UPDATE destination_health SET failing_since = now() - interval '1 hour'`)
		up.answer(http.StatusOK)
		f.waitAll(t, f.send(t, hook, 1), delivery.Delivered)
		if h := f.health(t, hook); h.Holding() || h.Unacked != 0 {
			t.Fatalf("%+v", h)
		}
	}
	f.wantNoRepairs(t)
}
