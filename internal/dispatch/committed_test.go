package dispatch

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// What a person asked for is answered and told as it was committed, although the
// delivery goes on at once, and each change is told once and in its order.
func TestAnswersAndEventsSayWhatWasCommitted(t *testing.T) {
	t.Parallel()
	// With few connections a question that comes after the commit waits for long.
	db, err := postgres.Open(t.Context(), postgres.Options{
		URL: pgtest.NewURL(t), MaxConns: 4, Name: "test", Timeout: 30 * time.Second, Box: pgtest.Box(), ByKey: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	f := newDispatcher(t, db)
	f.run(t)
	f.webhook(t, newSink(t).URL)
	var ids []uuid.UUID
	for range 8 {
		ids = append(ids, f.accept(t, anAlert).Deliveries[0].ID)
	}
	f.waitAll(t, ids, delivery.Delivered)
	changes, cancel := f.Subscribe()
	defer cancel()
	until(t, "what came before was told", func() bool {
		f.events.mu.Lock()
		defer f.events.mu.Unlock()
		return len(f.events.pending) == 0
	})
	late := time.After(30 * time.Second)
	for i := range 8 {
		var all sync.WaitGroup
		for _, id := range ids {
			all.Go(func() {
				v, err := f.Resend(t.Context(), id, 0, true, me)
				if err != nil || v.Status != delivery.Queued || v.Run != i+2 || v.Attempts != 0 || v.Made != i+1 {
					t.Errorf("re-send %d: %s, %d attempts of run %d, %d made, %v", i, v.Status, v.Attempts, v.Run, v.Made, err)
				}
			})
		}
		all.Wait()
		got := map[uuid.UUID][]delivery.Status{}
		for told := 0; told < len(ids); {
			select {
			case ev := <-changes:
				if ev.Kind == DeliveryChanged && (i > 0 || len(got[ev.ID]) > 0 || ev.Status == delivery.Queued) {
					got[ev.ID] = append(got[ev.ID], ev.Status)
				}
				if ev.Kind == DeliveryChanged && ev.Status == delivery.Delivered && len(got[ev.ID]) > 0 {
					told++
				}
			case <-late:
				t.Fatalf("told only %v", got)
			}
		}
		for id, statuses := range got {
			if !slices.Equal(statuses, []delivery.Status{delivery.Queued, delivery.Delivered}) {
				t.Errorf("re-send %d of %s was told as %v", i, id, statuses)
			}
		}
		if t.Failed() {
			return
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
