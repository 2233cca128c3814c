package dispatch

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
	"belfry/internal/pgtest"
)

// clock is one that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) moveTo(at time.Time) { c.ahead.Store(int64(time.Until(at))) }

// by has a dispatcher and its client go by the clock.
func (c *clock) by(cfg *Config) {
	cfg.Now = c.now
	cfg.Client = outbound.New(outbound.Options{Allow: []netip.Prefix{loopback}, Timeout: 5 * time.Second, UserAgent: "Belfry/test", Now: c.now})
}

// What our own side cuts short waits for longer each time, is held after five in a
// row, says so, and is tried again when its wait is over, by whoever comes, also
// after a restart. It is stored twice, and charged never.
func TestOurSide(t *testing.T) {
	t.Parallel()
	var (
		db     = pgtest.New(t)
		c      clock
		log    lines
		logged = func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) }
		f      = newDispatcher(t, db, c.by, logged)
		fails  atomic.Bool
		stop   = make(chan struct{}, 1)
	)
	fails.Store(true)
	hook := f.webhook(t, receiver(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if fails.Load() {
			stop <- struct{}{}
			<-r.Context().Done()
		}
	}).URL)
	id := f.ready(t).accept(t, anAlert).Deliveries[0].ID

	waits := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}
	for n, seconds := range waits {
		got := f.wait(t, id, is(delivery.Queued))
		ctx, cut := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.work(ctx, got.JobID, id) }()
		<-stop
		cut()
		<-done
		want := delivery.Queued
		if n >= 4 {
			want = delivery.Held
		}
		got = f.wait(t, id, func(d delivery.Delivery) bool { return d.Uncounted == n+1 })
		left := got.DueAt.Sub(c.now())
		if got.Status != want || got.Attempts != 0 || left > seconds*time.Second || left < seconds*time.Second-2*time.Second {
			t.Fatalf("attempt %d: %s %s, %d charged, due in %s; want %s, due in %d s", n+1, got.Status, got.Reason, got.Attempts, left, want, seconds)
		}
		if stored := f.attempts(t, id); len(stored) != min(1+n/4, 2) || stored[0].Counted || got.Made != len(stored) {
			t.Fatalf("after %d attempts %d are stored, %d made", n+1, len(stored), got.Made)
		}
		if n >= 4 {
			c.moveTo(got.DueAt.Add(-10 * time.Second))
			f.ready(t).look(t)
		}
		if n >= 4 && (f.heldFor(t, hook, delivery.OurSide) != 1 || f.metricValue(t, "belfry_deliveries_held") != 1) {
			t.Fatal("it is not held until its wait is over")
		}
		c.moveTo(got.DueAt)
		if n < len(waits)-1 {
			f.ready(t).look(t)
		}
	}
	if n := len(log.about("delivery held for our own side")); n != 1 {
		t.Errorf("logged %d times that it is held, want once", n)
	}

	fails.Store(false)
	next := newDispatcher(t, db, c.by) // a restart, after which our side is well
	next.run(t)
	if got := next.wait(t, id, is(delivery.Delivered)); got.Attempts != 1 || got.Made != 3 || got.Uncounted != 0 {
		t.Errorf("delivered with %d charged, %d made, %d in a row", got.Attempts, got.Made, got.Uncounted)
	}
	next.wantNoRepairs(t)
}

func inState(s destination.State) func(*destination.Destination) {
	return func(d *destination.Destination) { d.State = s }
}

// What a person asks for goes at once, and is stored again. Should our side cut that
// short too, it waits like all others, for a time of its own.
func TestOurSideAndPeople(t *testing.T) {
	t.Parallel()
	f := start(t)
	up := newSink(t)
	hook := f.webhook(t, up.URL, inState(destination.Paused))
	ids := f.send(t, hook, 3)
	setState(t, f, hook, destination.Active)
	exec(t, f, `
		UPDATE deliveries
		SET status = 'held', reason = 'our_side', uncounted = 7, due_at = now() + interval '1 hour'`)
	if _, err := f.SendNow(t.Context(), ids[0], me); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Resend(t.Context(), ids[1], 0, false, me); err != nil {
		t.Fatal(err)
	}
	f.waitAll(t, ids[:2], delivery.Delivered)
	exec(t, f, `UPDATE deliveries SET next_trigger = 'send_now' WHERE id = $1`, ids[2])
	f.limiter.NoteHeld(hook.ID, limiter.Held{Manual: true})
	if err := f.holds.release(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	if n := f.heldFor(t, hook, delivery.OurSide); n != 1 {
		t.Errorf("%d held for our side, want the one whose wait is not over", n)
	}
	// Asked for once more, it goes at once: it does not wait for room.
	if _, err := f.SendNow(t.Context(), ids[2], me); err != nil {
		t.Fatal(err)
	}
	f.waitAll(t, ids[2:], delivery.Delivered)
	f.wantNoRepairs(t)
}

// A destination that is paused while our side fails holds its deliveries for that,
// and when it is resumed none is stuck.
func TestOurSideAndPause(t *testing.T) {
	t.Parallel()
	f := start(t)
	up := newSink(t)
	hook := f.webhook(t, up.URL, inState(destination.Paused))
	ids := f.send(t, hook, 3)
	exec(t, f, `UPDATE deliveries SET reason = 'our_side', uncounted = 7, due_at = now() + interval '1 hour'`)
	f.soon(t, "held for the pause", func() bool { return f.heldFor(t, hook, delivery.Paused) == 3 })
	exec(t, f, `UPDATE deliveries SET due_at = now()`)
	f.turn(t, hook, destination.Active)
	f.soonAll(t, ids, delivery.Delivered)
	f.wantNoRepairs(t)
}
