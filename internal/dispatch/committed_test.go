package dispatch

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/live"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// What a person asked for is answered and told as it was committed, and told before its
// job begins: what becomes of it at once comes after that.
func TestAnswersAndEventsSayWhatWasCommitted(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.webhook(t, newSink(t).URL)
	next := f.deliveryEvents(t)
	a := f.accept(t, anAlert)
	id := a.Deliveries[0].ID
	if told, ok := next(); !ok || told.Status != delivery.Delivered {
		t.Fatalf("told (%t) as %s, want delivered", ok, told.Status)
	}
	other := f.webhook(t, newSink(t).URL)
	for name, ask := range map[string]func() (postgres.DeliveryView, error){
		"re-sent": func() (postgres.DeliveryView, error) { return f.Resend(t.Context(), id, 0, true, me) },
		"sent to another": func() (postgres.DeliveryView, error) {
			of, err := f.SendTo(t.Context(), a.Alert.AlertID, []uuid.UUID{other.ID}, me)
			return append(of, postgres.DeliveryView{})[0], err
		},
	} {
		answers := make(chan postgres.DeliveryView, 1)
		f.running.mu.Lock() // no job begins
		go func() {
			v, err := ask()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			answers <- v
		}()
		told, ok := next()
		if ok { // something becomes of it, and is told by nobody
			exec(t, f, `
				UPDATE deliveries
				SET status = 'cancelled', reason = 'by_person', job_id = NULL, due_at = NULL, finished_at = now()
				WHERE id = $1`, told.ID)
		}
		f.running.mu.Unlock()
		v := <-answers
		if !ok || told.ID != v.ID || told.Status != delivery.Queued || v.Status != delivery.Queued {
			t.Errorf("%s: told (%t) as %s before its job began, and answered as %s, want queued", name, ok, told.Status, v.Status)
		}
	}
	if _, err := f.Resend(t.Context(), id, 0, true, me); err != nil {
		t.Fatal(err)
	}
	for _, want := range []delivery.Status{delivery.Queued, delivery.Delivered} {
		if told, ok := next(); !ok || told.ID != id || told.Status != want {
			t.Errorf("re-sent, it is told (%t) as %s, want %s", ok, told.Status, want)
		}
	}
}

// deliveryEvents returns a way to wait for the next event of a delivery, for some
// seconds.
func (f *fixture) deliveryEvents(t testing.TB) (next func() (ev live.Event, ok bool)) {
	t.Helper()
	changes, cancel := f.Events.Subscribe()
	t.Cleanup(cancel)
	until(t, "changes are heard", func() bool {
		f.Events.Changed(uuid.New())
		select {
		case <-changes:
			return true
		default:
			return false
		}
	})
	return func() (live.Event, bool) {
		for late := time.After(5 * time.Second); ; {
			select {
			case ev := <-changes:
				if ev.Kind == live.DeliveryChanged {
					return ev, true
				}
			case <-late:
				return live.Event{}, false
			}
		}
	}
}

// What was committed is answered from what was known then: nothing is asked
// afterwards that could fail, or say what came later.
func TestNothingIsAskedAfterTheCommit(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	plain := newDispatcher(t, pgtest.Open(t, url))
	hook := plain.webhook(t, "http://127.0.0.1:1/")
	id := plain.failed(t, hook, 1)[0]
	cut := pgtest.NewCut(t, url)
	f := newDispatcher(t, cut.DB)
	for answers, run := 0, 1; ; answers++ {
		cut.After(answers)
		v, err := f.Resend(t.Context(), id, 0, false, me)
		was := cut.Done()
		now, errNow := plain.db.Delivery(t.Context(), id)
		if errNow != nil {
			t.Fatal(errNow)
		}
		if (now.Run > run) != (err == nil) || err == nil && (v.Run != now.Run || v.Status != now.Status) {
			t.Errorf("cut after %d answers: run %d became %d, and the answer is run %d, %v", answers, run, now.Run, v.Run, err)
		}
		if !was {
			return
		}
		if run = now.Run; now.Status == delivery.Queued {
			plain.finish(t, delivery.Failed, id)
		}
	}
}

// When the database goes away after alerts were committed, those are ours, and only
// repeats beside them, which have to be read, are told to come back.
func TestFreshAlertsAreAcceptedWhateverBecomesOfRepeats(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	plain := newDispatcher(t, pgtest.Open(t, url))
	plain.webhook(t, "http://127.0.0.1:1/")
	cut := pgtest.NewCut(t, url)
	f := newDispatcher(t, cut.DB)
	old := parse(t, `{"id":"D","severity":"INFO","type":"RULE","title":"old","alertId":"old"}`)
	if r := f.Accept(t.Context(), "x", []alert.Parsed{old}); r[0].Err != nil {
		t.Fatal(r[0].Err)
	}
	for answers, split := 0, false; ; answers++ {
		fresh := parse(t, anAlert)
		cut.After(answers)
		r := f.Accept(t.Context(), "x", []alert.Parsed{fresh, old})
		was := cut.Done()
		if stored := count(t, plain, `SELECT count(*) FROM alerts`) - 1; stored > 0 != (r[0].Err == nil) {
			t.Errorf("cut after %d answers: %d are stored, and the answer is %v", answers, stored, r[0].Err)
		}
		exec(t, plain, `DELETE FROM alerts WHERE alert_id <> 'old'`)
		if !was {
			if r[0].Err != nil || r[1].Err != nil || !r[1].Repeated {
				t.Errorf("uncut: %v, %v", r[0].Err, r[1].Err)
			}
			if !split {
				t.Error("the connection was never cut between the two")
			}
			return
		}
		split = split || r[0].Err == nil
		// What was cut may have been a connection that the repeat did not need.
		if again := r[1].Err == nil && r[1].Repeated; !again && !errors.Is(r[1].Err, ErrUnavailable) {
			t.Errorf("cut after %d answers: the repeat is answered with %v", answers, r[1].Err)
		}
	}
}
