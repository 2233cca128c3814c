package dispatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// work runs a job by hand.
func (f *fixture) work(ctx context.Context, jobID int64, id uuid.UUID) error {
	w := &worker{x: f.executor}
	return w.Work(ctx, &river.Job[deliverArgs]{JobRow: &rivertype.JobRow{ID: jobID, Attempt: 1}, Args: deliverArgs{DeliveryID: id}})
}

// ready lets attempts start without the queue running.
func (f *fixture) ready(t testing.TB) *fixture {
	t.Helper()
	if err := f.Cluster.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.partitions.ensure(t.Context())
	return f
}

// A job that is not the delivery's own sends nothing, and one that is, once.
func TestStaleJobsSendNothing(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	var calls atomic.Int32
	f.webhook(t, receiver(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) }).URL)
	d := f.accept(t, anAlert).Deliveries[0]

	for i, jobID := range []int64{d.JobID + 1000, d.JobID, d.JobID, d.JobID} {
		if err := f.work(t.Context(), jobID, d.ID); err != nil {
			t.Errorf("job %d: %v", jobID, err)
		}
		if n, want := int(calls.Load()), min(i, 1); n != want {
			t.Errorf("after job %d the destination was called %d times, want %d", jobID, n, want)
		}
	}
}

// A job that comes early waits: a retry is never sent before it is due.
func TestNotDue(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	var calls atomic.Int32
	f.webhook(t, receiver(t, func(w http.ResponseWriter, _ *http.Request) { calls.Add(1); w.WriteHeader(500) }).URL)
	d := f.accept(t, anAlert).Deliveries[0]
	for range 3 {
		err := f.work(t.Context(), d.JobID, d.ID)
		var snooze *river.JobSnoozeError
		if !errorAs(err, &snooze) || snooze.Duration < 4*time.Second {
			t.Errorf("Work = %v, want a snooze of about 5 s", err)
		}
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("the destination was called %d times, want 1", n)
	}
}

// Two workers with the same job, as after a replica froze and its jobs were taken
// over: one attempt counts, the other is kept as history, whoever is first.
func TestZombie(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		first, late int // answers
		want        delivery.Status
	}{
		{"both fail", 500, 500, delivery.Retrying},
		{"the late one is acked", 500, 200, delivery.Delivered},
		{"the late one fails", 200, 500, delivery.Delivered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newDispatcher(t, pgtest.New(t)).ready(t)
			frozen, thaw := make(chan struct{}), make(chan struct{})
			var calls atomic.Int32
			hook := f.webhook(t, receiver(t, func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) == 1 {
					close(frozen)
					<-thaw
					w.WriteHeader(tt.late)
					return
				}
				w.WriteHeader(tt.first)
			}).URL)
			f.limiter.Acquire(t.Context(), hook.ID, hook.Limits, limiter.Normal) // known to be quick, it may have two in flight
			f.limiter.Release(hook.ID, limiter.Outcome{Took: time.Millisecond})
			d := f.accept(t, anAlert).Deliveries[0]
			done := make(chan error, 1)
			go func() { done <- f.work(context.Background(), d.JobID, d.ID) }()
			<-frozen
			_ = f.work(t.Context(), d.JobID, d.ID)
			close(thaw)
			<-done

			got := f.wait(t, d.ID, is(tt.want))
			as := f.attempts(t, d.ID)
			if len(as) != 2 || got.Attempts != 1 || got.Made != 2 || !as[0].Counted || as[1].Counted {
				t.Errorf("attempts = %d, made = %d, stored = %+v", got.Attempts, got.Made, as)
			}
		})
	}
}

// Acks are settled on what was loaded before they came, and only if no row has changed
// since. If one has, nothing is stored that way.
func TestAcksAreSettledOnWhatWasLoaded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meanwhile string
		stored    bool
	}{
		"nothing":               {`SELECT 1`, true},
		"another ack":           {`INSERT INTO destination_health (destination_id, last_ack_at) SELECT destination_id, now() + interval '1 hour' FROM deliveries`, true},
		"it has another job":    {`UPDATE deliveries SET job_id = job_id + 1`, false},
		"it was cancelled":      {`UPDATE deliveries SET status = 'cancelled', reason = 'by_person', job_id = NULL, due_at = NULL, finished_at = now()`, false},
		"a stale job's attempt": {`UPDATE deliveries SET made = made + 1`, false},
		"it is gone":            {`DELETE FROM deliveries`, false},
		"the destination fails": {`INSERT INTO destination_health (destination_id, failures, failing_since) SELECT destination_id, 1, now() FROM deliveries`, false},
		"it is taken for dead":  {`INSERT INTO destination_health (destination_id, held_since, next_probe_at) SELECT destination_id, now(), now() FROM deliveries`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newDispatcher(t, pgtest.New(t)).ready(t)
			hook := f.webhook(t, "http://127.0.0.1:1/")
			d := f.accept(t, anAlert).Deliveries[0].Delivery
			a := delivery.Attempt{ID: uuid.Must(uuid.NewV7()), DeliveryID: d.ID, DestinationID: hook.ID, Trigger: delivery.Automatic}
			a.Result = outbound.Result{Class: outbound.Acked, StatusCode: 204, StartedAt: time.Now().UTC().Truncate(time.Microsecond)}
			item := &recordItem{attempt: a, claim: d.Claim(), loaded: d}
			exec(t, f, tt.meanwhile)
			_, err := f.recorder.recordAcks(t.Context(), []*recordItem{item})
			n := count(t, f, `SELECT count(*) FROM attempts`)
			if !tt.stored {
				if !errors.Is(err, postgres.ErrChanged) || n != 0 {
					t.Errorf("error = %v, %d attempts stored, want ErrChanged and none", err, n)
				}
				return
			}
			got, gone := f.wait(t, d.ID, is(delivery.Delivered)), count(t, f, `SELECT count(*) FROM river_job`) == 0
			want, stored := delivery.Settle(d, d.Claim(), a, 0)
			want.CreatedAt, got.FirstAckAt, got.FinishedAt = got.CreatedAt, got.FirstAckAt.UTC(), got.FinishedAt.UTC()
			if err != nil || !gone || got.Delivery != want || f.attempts(t, d.ID)[0].Number != stored.Number {
				t.Errorf("error = %v, job gone: %v, stored %+v, want %+v", err, gone, got.Delivery, want)
			}
			health, err := f.db.Healths(t.Context(), []uuid.UUID{hook.ID})
			if h := health[hook.ID]; err != nil || h.LastAckAt.Before(a.StartedAt) || h.Failures != 0 {
				t.Errorf("health = %+v, %v", h, err)
			}
		})
	}
}

// A batch with an ack that may have been stored already, or with two of one delivery,
// is settled under locks, although nothing has changed since the deliveries were loaded.
func TestAcksThatAreNotTheFirst(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, "http://127.0.0.1:1/")
	ack := func(d delivery.Delivery) *recordItem {
		a := delivery.Attempt{ID: uuid.Must(uuid.NewV7()), DeliveryID: d.ID, DestinationID: hook.ID, Trigger: delivery.Automatic}
		a.Result = outbound.Result{Class: outbound.Acked, StatusCode: 204, StartedAt: time.Now().UTC().Truncate(time.Microsecond)}
		return &recordItem{attempt: a, claim: d.Claim(), loaded: d, done: make(chan recordReply, 1)}
	}
	unsure, twice := f.accept(t, anAlert).Deliveries[0].Delivery, f.accept(t, anAlert).Deliveries[0].Delivery
	first, second := ack(twice), ack(twice)
	again := ack(unsure)
	again.maybeStored = true
	for name, items := range map[string][]*recordItem{"maybe stored": {again}, "twice": {first, second}} {
		_, err := f.recorder.recordAcks(t.Context(), items)
		if n := count(t, f, `SELECT count(*) FROM attempts`); !errors.Is(err, errNeedsLocks) || n != 0 {
			t.Fatalf("%s: error = %v, %d attempts stored, want errNeedsLocks and none", name, err, n)
		}
	}
	if err := f.recorder.recordOutcomes([]*recordItem{first, again, second}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		of   delivery.Delivery
		made int
	}{{unsure, 1}, {twice, 2}} {
		got := f.wait(t, tt.of.ID, is(delivery.Delivered))
		if n := len(f.attempts(t, tt.of.ID)); got.Attempts != 1 || n != tt.made {
			t.Errorf("%d counted, %d stored, want 1 and %d", got.Attempts, n, tt.made)
		}
	}
}

// Recording the same attempt twice, as after a COMMIT of which no answer came,
// adds nothing.
func TestRecordTwice(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, "http://127.0.0.1:1/")
	d := f.accept(t, anAlert).Deliveries[0]
	a := delivery.Attempt{ID: uuid.Must(uuid.NewV7()), DeliveryID: d.ID, DestinationID: hook.ID, Trigger: delivery.Automatic}
	a.Result = outbound.Result{Class: outbound.Refused, StartedAt: time.Now()}
	for range 2 {
		if _, err := f.recorder.record(recordItem{attempt: a, claim: d.Claim(), wait: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	got := f.wait(t, d.ID, is(delivery.Retrying))
	if got.Attempts != 1 || len(f.attempts(t, d.ID)) != 1 {
		t.Errorf("%d counted, %d stored, want 1 and 1", got.Attempts, len(f.attempts(t, d.ID)))
	}
}

// What was answered is recorded although Postgres was away when the answer came,
// and nothing is sent twice for it.
func TestRecordWaitsForPostgres(t *testing.T) {
	t.Parallel()
	f := start(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	f.webhook(t, receiver(t, func(http.ResponseWriter, *http.Request) {
		if calls.Add(1) == 1 {
			close(arrived)
		}
		<-answer
	}).URL)
	id := f.accept(t, anAlert).Deliveries[0].ID
	<-arrived
	end := pgtest.Outage(t, f.db)
	close(answer)
	until(t, "a failed record", func() bool { return f.metricValue(t, "belfry_record_retries_total") > 0 })
	end()
	got := f.wait(t, id, is(delivery.Delivered))
	if got.Attempts != 1 || calls.Load() != 1 {
		t.Errorf("%d attempts, %d calls, want 1 and 1", got.Attempts, calls.Load())
	}
}

// An attempt that the database refuses does not take its batch along; it is
// stored without what the destination sent, and flagged.
func TestOneBadAttemptSparesTheOthers(t *testing.T) {
	t.Parallel()
	f := start(t)
	// As if some answers had bytes that Postgres cannot hold.
	exec(t, f, `ALTER TABLE attempts ADD CONSTRAINT no CHECK (body <> 'poison')`)
	f.webhook(t, receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 4096)
		n, _ := r.Body.Read(body)
		if strings.Contains(string(body[:n]), `"bad"`) {
			fmt.Fprint(w, "poison")
		}
	}).URL)
	var ids []uuid.UUID
	for i := range 20 {
		title := "fine"
		if i%5 == 0 {
			title = "bad"
		}
		ids = append(ids, f.accept(t, fmt.Sprintf(`{"id":"x","severity":"LOW","type":"RULE","title":%q}`, title)).Deliveries[0].ID)
	}
	for i, id := range ids {
		f.wait(t, id, is(delivery.Delivered))
		as := f.attempts(t, id)
		if len(as) != 1 || as[0].Stripped != (i%5 == 0) {
			t.Errorf("delivery %d: %+v", i, as)
		}
	}
}

// Nothing that is secret is in the database, whatever a destination echoes.
func TestNoSecretIsStored(t *testing.T) {
	t.Parallel()
	f := start(t, quick)
	const secretHeader, secretPath = "hunter2-hunter2", "/hooks/T0KEN-in-the-path"
	srv := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("X-Api-Key"))
		w.WriteHeader(500)
		fmt.Fprintf(w, "you sent %s to http://%s%s", r.Header.Get("X-Api-Key"), r.Host, r.URL)
	})
	hook := f.webhook(t, srv.URL+secretPath, withHeader("X-Api-Key", secretHeader))
	id := f.accept(t, anAlert).Deliveries[0].ID
	f.wait(t, id, is(delivery.Failed))
	if _, _, err := f.Test(t.Context(), hook, alert.High, alert.Policy, By{Name: "tester"}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"destinations", "alerts", "deliveries", "attempts", "runs", "river_job", "audit_log"} {
		for _, secret := range []string{secretHeader, secretPath, hook.Signing.Secret} {
			sql := fmt.Sprintf(`SELECT count(*) FROM %s x WHERE x::text LIKE '%%' || $1 || '%%' OR x::text LIKE '%%' || encode(convert_to($1, 'UTF8'), 'hex') || '%%'`, table)
			if n := count(t, f, sql, secret); n != 0 {
				t.Errorf("%d rows of %s hold %q", n, table, secret)
			}
		}
	}
	for _, a := range f.attempts(t, id) {
		if !strings.Contains(string(a.Body), "****") {
			t.Errorf("body = %q", a.Body)
		}
	}
}

// An attempt is not lost for want of a partition.
func TestMissingPartitionIsMade(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.webhook(t, receiver(t, status(200, "")).URL)
	exec(t, f, `DO $$ DECLARE p text; BEGIN
		FOR p IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'attempts'::regclass LOOP
			EXECUTE 'DROP TABLE ' || p;
		END LOOP; END $$`)
	f.wait(t, f.accept(t, anAlert).Deliveries[0].ID, is(delivery.Delivered))
}
