package dispatch

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/postgres"
)

// toldOf returns how often an order is among what is to be told now.
func (e *events) toldOf(id uuid.UUID, now time.Time) (n int) {
	for _, ev := range e.take(now) {
		if ev.Kind == BulkResendChanged && ev.ID == id {
			n++
		}
	}
	return n
}

// A bulk re-send is told of once a second, and its last change in the end.
func TestBulkResendsAreToldOfSeldom(t *testing.T) {
	t.Parallel()
	e, now, a, b := newEvents(), time.Now(), uuid.New(), uuid.New()
	for i, tt := range []struct {
		after   time.Duration
		changes bool
		want    int
	}{
		{0, true, 1},
		{250 * time.Millisecond, true, 0},
		{250 * time.Millisecond, true, 0},
		{500 * time.Millisecond, false, 1},
		{500 * time.Millisecond, false, 0},
		{500 * time.Millisecond, false, 0},
		{0, true, 1},
	} {
		now = now.Add(tt.after)
		if tt.changes {
			e.addBulk(a)
			e.addBulk(a)
		}
		if got := e.toldOf(a, now); got != tt.want {
			t.Errorf("%d: told %d times, want %d", i, got, tt.want)
		}
	}
	e.addBulk(b)
	if got := e.toldOf(b, now); got != 1 {
		t.Errorf("another is told of %d times", got)
	}
	if e.take(now.Add(time.Minute)); len(e.bulks) != 0 {
		t.Errorf("%d are remembered for good", len(e.bulks))
	}
}

// Who looks on hears of an order when it begins, comes further, is stopped, goes
// on and ends, and of nothing between.
func TestBulkResendsAreToldOf(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 2)
	b := f.order(t, BulkOrder{PerSecond: 1})
	for _, tt := range []struct {
		what string
		do   func() error
		want int
	}{
		{"begun", func() error { return nil }, 1},
		{"its turn has not come", func() error { return f.stepBulks(t.Context()) }, 0},
		{"paused", func() error { _, err := f.PauseBulk(t.Context(), b.ID, me); return err }, 1},
		{"while it is paused", func() error { f.step(t, time.Second); return nil }, 0},
		{"resumed", func() error { _, err := f.ResumeBulk(t.Context(), b.ID, me); return err }, 1},
		{"further", func() error { f.step(t, time.Second); return nil }, 1},
		{"to its end", func() error { f.step(t, time.Second); return nil }, 1},
		{"done", func() error { f.step(t, 0); return nil }, 1},
		{"after that", func() error { f.step(t, time.Second); return nil }, 0},
	} {
		if err := tt.do(); err != nil {
			t.Fatal(err)
		}
		if got := f.events.toldOf(b.ID, f.now.Add(time.Hour)); got != tt.want {
			t.Errorf("%s: told %d times, want %d", tt.what, got, tt.want)
		}
		clear(f.events.bulks) // as if a second had passed
	}
	f.wantBulk(t, b.ID, postgres.BulkDone, 2, 2, 0)
}
