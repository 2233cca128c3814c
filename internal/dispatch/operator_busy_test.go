package dispatch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/pgtest"
)

// asks are the calls by which a person has something done with a failed delivery,
// its alert, or a bulk re-send.
func (f *fixture) asks(id uuid.UUID, alertID string, bulk uuid.UUID) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"re-send":  func(ctx context.Context) error { _, err := f.Resend(ctx, id, 0, false, me); return err },
		"send now": func(ctx context.Context) error { _, err := f.SendNow(ctx, id, me); return err },
		"cancel":   func(ctx context.Context) error { _, err := f.Cancel(ctx, id, me); return err },
		"send to":  func(ctx context.Context) error { _, err := f.SendTo(ctx, alertID, nil, me); return err },
		"pause":    func(ctx context.Context) error { _, err := f.PauseBulk(ctx, bulk, me); return err },
		"resume":   func(ctx context.Context) error { _, err := f.ResumeBulk(ctx, bulk, me); return err },
		"stop":     func(ctx context.Context) error { _, err := f.CancelBulk(ctx, bulk, me); return err },
	}
}

// What a person asks for waits for its turn, and then hears that nothing was done.
func TestPeopleWaitInTurn(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	hook := f.webhook(t, "http://127.0.0.1:1/")
	id := f.failed(t, hook, 1)[0]
	v, err := f.db.Delivery(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	bulk := f.order(t, BulkOrder{DeliveryIDs: []uuid.UUID{}})
	for range maxOperatorTxs {
		f.operators <- struct{}{}
	}
	var people sync.WaitGroup
	for name, ask := range f.asks(id, v.AlertID, bulk.ID) {
		people.Go(func() {
			if err := ask(t.Context()); !errors.Is(err, ErrOperatorBusy) {
				t.Errorf("%s: %v, want ErrOperatorBusy", name, err)
			}
		})
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, err := f.Resend(left, id, 0, false, me); !errors.Is(err, context.Canceled) || errors.Is(err, ErrOperatorBusy) {
		t.Errorf("whose caller left: %v", err)
	}
	people.Wait()

	people.Go(func() {
		if _, err := f.Resend(t.Context(), id, 0, false, me); err != nil {
			t.Errorf("when it is its turn: %v", err)
		}
	})
	for range maxOperatorTxs {
		f.operators.free()
	}
	people.Wait()
	f.wantRuns(t, 2, id)
	if n := count(t, f, `SELECT count(*) FROM audit_log WHERE action LIKE 'delivery.%' OR action = 'alert.send'`); n != 1 {
		t.Errorf("%d things were done, want one", n)
	}
}

// However many people wait for what somebody has locked, alerts are accepted and
// delivered meanwhile.
func TestPeopleLeaveConnections(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	f := newDispatcher(t, pgtest.Open(t, url))
	other := pgtest.Open(t, url)
	s := newSink(t)
	hook := f.webhook(t, s.URL)
	id := f.failed(t, hook, 1)[0]
	f.run(t)
	release := pgtest.Lock(t, other, "SELECT FROM deliveries WHERE id = $1 FOR UPDATE", id)
	var (
		people     sync.WaitGroup
		done, none atomic.Int32
	)
	const callers = 60 // three times as many as the dispatcher has connections here
	for range callers {
		people.Go(func() {
			switch _, err := f.Resend(t.Context(), id, 0, false, me); {
			case errors.Is(err, ErrOperatorBusy):
				none.Add(1)
			case err == nil, errors.Is(err, ErrDelivered): // by then
				done.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	waiting := func() (n int) {
		const query = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
		if err := other.Pool().QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	until(t, "as many wait as may", func() bool { return waiting() >= maxOperatorTxs })
	f.waitAll(t, f.send(t, hook, 20), delivery.Delivered)
	until(t, "the others hear that nothing was done", func() bool { return none.Load() == callers-maxOperatorTxs })
	if n := waiting(); n != maxOperatorTxs {
		t.Errorf("%d people have a connection, want %d", n, maxOperatorTxs)
	}
	release()
	people.Wait()
	if done.Load() != maxOperatorTxs || len(f.operators) != 0 {
		t.Errorf("%d were done, and %d are not given back", done.Load(), len(f.operators))
	}
	f.wait(t, id, func(d delivery.Delivery) bool { return d.Status == delivery.Delivered && d.Run == 2 })
}

// Many scrapes of the metrics have one connection.
func TestScrapesTakeTurns(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	f := newDispatcher(t, pgtest.Open(t, url))
	pgtest.Lock(t, pgtest.Open(t, url), "LOCK TABLE deliveries")
	var scrapes sync.WaitGroup
	for range 30 {
		scrapes.Go(func() { f.registry.Gather() }) //nolint:errcheck // the gauges are missing
	}
	over := make(chan struct{})
	go func() {
		scrapes.Wait()
		close(over)
	}()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	most := int32(0)
	for going := true; going; {
		select {
		case <-over:
			going = false
		case <-look.C:
			most = max(most, f.db.Pool().Stat().AcquiredConns())
		}
	}
	if most > 2 { // that of a scrape that gave up may be closing yet
		t.Errorf("%d connections were in use at once, want one", most)
	}
}
