package dispatch

import (
	"testing"
	"time"

	"belfry/internal/live"
	"belfry/internal/postgres"
)

// Who looks on hears of an order when it begins, comes further, is stopped, goes
// on and ends, and of nothing between.
func TestBulkResendsAreToldOf(t *testing.T) {
	t.Parallel()
	f := newBulk(t)
	f.failed(t, f.webhook(t, "http://127.0.0.1:1/"), 2)
	b := f.order(t, BulkOrder{PerSecond: 1})
	at := f.now
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
		got := 0
		at = at.Add(time.Hour) // so that no event waits for its second to be over
		for _, ev := range f.Events.Take(at) {
			if ev.Kind == live.BulkResendChanged && ev.ID == b.ID {
				got++
			}
		}
		if got != tt.want {
			t.Errorf("%s: told %d times, want %d", tt.what, got, tt.want)
		}
	}
	f.wantBulk(t, b.ID, postgres.BulkDone, 2, 2, 0)
}
