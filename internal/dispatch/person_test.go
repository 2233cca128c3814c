package dispatch

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/postgres"
)

var me = By{Name: "me", RequestID: "r-1"}

// The seeds' story: it fails for good, the receiver is mended, a person re-sends,
// and both runs stay visible. Two clicks at once open one run.
func TestResendAfterPermanentFailure(t *testing.T) {
	t.Parallel()
	f := start(t, quick)
	var mended atomic.Bool
	var ids sync.Map
	f.webhook(t, receiver(t, func(w http.ResponseWriter, r *http.Request) {
		ids.Store(r.Header.Get("webhook-id"), true)
		if !mended.Load() {
			w.WriteHeader(500)
		}
	}).URL)
	id := f.accept(t, anAlert).Deliveries[0].ID
	f.wait(t, id, is(delivery.Failed))
	mended.Store(true)

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := f.Resend(context.Background(), id, 1, false, me); err != nil {
				t.Errorf("resend: %v", err)
			}
		})
	}
	wg.Wait()
	got := f.wait(t, id, is(delivery.Delivered))
	if got.Run != 2 || got.Attempts != 1 || got.Made != 12 {
		t.Errorf("run %d, %d attempts, %d made; want 2, 1, 12", got.Run, got.Attempts, got.Made)
	}
	runs, err := f.db.Runs(t.Context(), got.Delivery)
	if err != nil || len(runs) != 2 || runs[0].Trigger != delivery.Automatic || runs[1].RequestedBy != "me" {
		t.Errorf("runs = %+v, %v", runs, err)
	}
	last := f.attempts(t, id)[11]
	if last.Trigger != delivery.Resend || last.RequestedBy != "me" || last.Run != 2 || last.Number != 12 {
		t.Errorf("last attempt = %+v", last)
	}
	// At least once, and the receiver can tell.
	ids.Range(func(webhookID, _ any) bool {
		if webhookID != id.String() {
			t.Errorf("an attempt carried webhook-id %s, want the delivery's %s", webhookID, id)
		}
		return true
	})
	if n := count(t, f, `SELECT count(*) FROM audit_log WHERE action = 'delivery.resend'`); n != 1 {
		t.Errorf("%d audit entries, want 1", n)
	}
}

func TestResendRules(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtestNew(t))
	hook := f.webhook(t, "http://127.0.0.1:1/")
	d := f.accept(t, anAlert).Deliveries[0].Delivery

	set := func(change func(delivery.Delivery) delivery.Delivery) {
		t.Helper()
		err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
			now, err := tx.LockDelivery(t.Context(), d.ID)
			if err != nil {
				return err
			}
			tx.UpdateDeliveries([]delivery.Delivery{change(now)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	resend := func(run int, again bool, want error, wantRun int) {
		t.Helper()
		v, err := f.Resend(t.Context(), d.ID, run, again, me)
		if !errors.Is(err, want) || err == nil && v.Run != wantRun {
			t.Errorf("Resend(run %d, again %t) = run %d, %v; want %d, %v", run, again, v.Run, err, wantRun, want)
		}
	}
	resend(0, false, nil, 1) // queued: nothing to do
	set(func(d delivery.Delivery) delivery.Delivery { d.Status, d.Attempts = delivery.Retrying, 3; return d })
	resend(0, false, ErrOpen, 0)
	set(func(d delivery.Delivery) delivery.Delivery { return d.Cancel(delivery.ByPerson, time.Now()) })
	resend(7, false, nil, 1) // not the present run
	resend(1, false, nil, 2)
	set(func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.Busy, time.Now()) })
	resend(2, false, nil, 2) // it waits for room
	set(func(d delivery.Delivery) delivery.Delivery { d.Attempts, d.NextTrigger = 1, delivery.SendNow; return d })
	resend(2, false, ErrOpen, 0)
	set(func(d delivery.Delivery) delivery.Delivery {
		d.NextTrigger = delivery.Automatic
		return d.Hold(delivery.Paused, time.Now())
	})
	resend(2, false, nil, 3)
	set(func(d delivery.Delivery) delivery.Delivery {
		d = d.Cancel(delivery.ByPerson, time.Now())
		d.Status, d.Reason, d.FirstAckAt = delivery.Delivered, "", d.FinishedAt
		return d
	})
	resend(3, false, ErrDelivered, 0)
	resend(3, true, nil, 4)
	if v, _ := f.db.Delivery(t.Context(), d.ID); v.FirstAckAt.IsZero() {
		t.Error("the first ack was forgotten")
	}
	set(func(d delivery.Delivery) delivery.Delivery { return d.Cancel(delivery.ByPerson, time.Now()) })
	exec(t, f, `UPDATE destinations SET deleted_at = now() WHERE id = $1`, hook.ID)
	resend(4, false, ErrDestinationDeleted, 0)
	if _, err := f.Resend(t.Context(), uuid.New(), 0, false, me); !errors.Is(err, postgres.ErrNotFound) {
		t.Errorf("unknown delivery: %v", err)
	}
}

// Send now brings a retry forward, keeps the run, and leaves no second job that
// could send once more.
func TestSendNow(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour))
	var calls atomic.Int32
	f.webhook(t, receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(500)
		}
	}).URL)
	id := f.accept(t, anAlert).Deliveries[0].ID
	f.wait(t, id, is(delivery.Retrying))
	if _, err := f.SendNow(t.Context(), id, me); err != nil {
		t.Fatal(err)
	}
	got := f.wait(t, id, is(delivery.Delivered))
	as := f.attempts(t, id)
	if got.Run != 1 || got.Attempts != 2 || as[1].Trigger != delivery.SendNow || as[1].RequestedBy != "me" {
		t.Errorf("delivery = %+v, attempts = %+v", got.Delivery, as)
	}
	if n := count(t, f, `SELECT count(*) FROM river_job WHERE state <> 'completed' AND id <> (SELECT coalesce(max(id), 0) FROM river_job)`); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	if _, err := f.SendNow(t.Context(), id, me); !errors.Is(err, ErrFinal) {
		t.Errorf("a delivered one: %v, want ErrFinal", err)
	}
}

// Cancelled while it waits it is never sent; an ack that arrives afterwards is
// the truth all the same.
func TestCancel(t *testing.T) {
	t.Parallel()
	f := start(t, waits(time.Hour))
	arrived, answer := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	f.webhook(t, receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(500)
			return
		}
		close(arrived)
		<-answer
	}).URL)
	waiting := f.accept(t, anAlert).Deliveries[0].ID
	f.wait(t, waiting, is(delivery.Retrying))
	if v, err := f.Cancel(t.Context(), waiting, me); err != nil || v.Status != delivery.Cancelled || v.Reason != delivery.ByPerson {
		t.Errorf("Cancel = %s %s, %v", v.Status, v.Reason, err)
	}
	if _, err := f.Cancel(t.Context(), waiting, me); err != nil {
		t.Errorf("cancelled twice: %v", err)
	}
	if _, err := f.SendNow(t.Context(), waiting, me); !errors.Is(err, ErrFinal) {
		t.Errorf("send now: %v, want ErrFinal", err)
	}

	inFlight := f.accept(t, anAlert).Deliveries[0].ID
	<-arrived
	if v, err := f.Cancel(t.Context(), inFlight, me); err != nil || v.Status != delivery.Cancelled {
		t.Errorf("Cancel = %s, %v", v.Status, err)
	}
	close(answer)
	f.wait(t, inFlight, is(delivery.Delivered))
}

// A person sends an alert where it was not routed to, as often as they click.
func TestSendTo(t *testing.T) {
	t.Parallel()
	f := start(t)
	srv := receiver(t, status(200, ""))
	first := f.webhook(t, srv.URL)
	a := f.accept(t, anAlert)
	late := f.webhook(t, srv.URL, func(d *destination.Destination) { d.Severities = []alert.Severity{} })
	var last []postgres.DeliveryView
	for range 3 {
		var err error
		if last, err = f.SendTo(t.Context(), a.Alert.AlertID, []uuid.UUID{late.ID, first.ID, late.ID}, me); err != nil {
			t.Fatal(err)
		}
	}
	if len(last) != 3 || last[0].RoutedBy != delivery.ByHand || last[1].RoutedBy != delivery.ByFilters {
		t.Errorf("got %+v", last)
	}
	f.wait(t, last[0].ID, is(delivery.Delivered))
	if n := count(t, f, `SELECT count(*) FROM deliveries`); n != 2 {
		t.Errorf("%d deliveries, want 2", n)
	}
}
