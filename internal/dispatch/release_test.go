package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// What finds no slot is noted, and does not wake the release: it would come back
// at once, and go round in circles.
func TestParkWakesNobody(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL)
	ids := f.send(t, hook, 2)
	f.limiter.Acquire(t.Context(), hook.ID, hook.Limits, limiter.Probe)
	f.limiter.Acquire(t.Context(), hook.ID, hook.Limits, limiter.Probe)
	v := f.wait(t, ids[0], is(delivery.Queued))
	if err := f.work(t.Context(), v.JobID, v.ID); err != nil {
		t.Fatal(err)
	}
	if got := f.wait(t, ids[0], is(delivery.Held)); got.Reason != delivery.Busy || got.JobID != 0 {
		t.Errorf("held %s with job %d", got.Reason, got.JobID)
	}
	if due := f.limiter.TakeLooks(); len(due) != 0 {
		t.Errorf("%v is looked at", due)
	}
	f.limiter.Freed(hook.ID)
	if due := f.limiter.TakeLooks(); !slices.Equal(due, []uuid.UUID{hook.ID}) {
		t.Errorf("%v is looked at when there is room", due)
	}
}

// When there is room again, first attempts go before retries, and these before
// re-sends in bulk.
func TestReleaseInOrder(t *testing.T) {
	t.Parallel()
	f := start(t)
	to := newSink(t)
	hook := f.webhook(t, to.URL, limited(destination.Limits{MaxInFlight: 1}))
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 30)
	bulk, late, first := ids[:10], ids[10:20], ids[20:]
	exec(t, f, `UPDATE deliveries SET priority = 4 WHERE id = ANY($1)`, bulk)
	exec(t, f, `UPDATE deliveries SET priority = 2 WHERE id = ANY($1)`, late)
	f.turn(t, hook, destination.Active)
	f.waitAll(t, ids, delivery.Delivered)
	to.wantOnce(t, ids)
	place := map[string]int{}
	for i, id := range to.ids() {
		place[id] = i
	}
	mean := func(ids []uuid.UUID) (sum float64) {
		for _, id := range ids {
			sum += float64(place[id.String()]) / float64(len(ids))
		}
		return sum
	}
	// A few are on their way together and may change places.
	if f, l, b := mean(first), mean(late), mean(bulk); f > 7 || l < 10 || l > 19 || b < 22 {
		t.Errorf("mean places %v, %v and %v; want about 4.5, 14.5 and 24.5", f, l, b)
	}
}

// Each release takes first attempts, then retries, then re-sends in bulk, and of
// these only what half of the room takes.
func TestReleaseShares(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL, limited(destination.Limits{MaxInFlight: 4}))
	f.learn(t, hook, 2*time.Second) // it is slow: there is room for four
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 12)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	exec(t, f, `UPDATE deliveries SET priority = 4 WHERE id = ANY($1)`, ids[:5])
	exec(t, f, `UPDATE deliveries SET priority = 2 WHERE id = ANY($1)`, ids[5:9])
	setState(t, f, hook, destination.Active)
	for i, want := range [][]uuid.UUID{
		{ids[9], ids[10], ids[11], ids[5]},
		{ids[6], ids[7], ids[8]},
		ids[0:2],
		ids[2:4],
		ids[4:5],
		{},
	} {
		if err := f.holds.release(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		const released = `SELECT count(*) FROM deliveries WHERE status = 'queued'`
		if n := count(t, f, released+` AND id = ANY($1)`, want); n != len(want) || n != count(t, f, released) {
			t.Errorf("release %d: %d of %d, and %d in all", i, n, len(want), count(t, f, released))
		}
		exec(t, f, `
			UPDATE deliveries
			SET status = 'delivered', job_id = NULL, due_at = NULL, held_at = NULL, first_ack_at = now(), finished_at = now()
			WHERE status = 'queued'`)
	}
}

// When the rate is what leaves no room, the release looks again in time for the
// next token, although nobody gives a slot back.
func TestReleaseLooksAgain(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL, limited(destination.Limits{MaxInFlight: 4, RatePerSecond: 2, Burst: 1}))
	setState(t, f, hook, destination.Paused)
	f.send(t, hook, 2)
	setState(t, f, hook, destination.Active)
	<-f.limiter.Looks() // for what was accepted
	f.limiter.TakeLooks()
	begin := time.Now()
	f.limiter.Acquire(t.Context(), hook.ID, hook.Limits, limiter.Normal)
	f.limiter.Release(hook.ID, limiter.Outcome{Took: quickly})
	if err := f.holds.release(t.Context(), hook.ID); err != nil {
		t.Fatal(err)
	}
	if n := f.heldFor(t, hook, delivery.Paused); n != 2 {
		t.Errorf("%d held, want both: there is no token yet", n)
	}
	until(t, "it looks again", func() bool { return len(f.limiter.Looks()) > 0 })
	if took := time.Since(begin); took < 500*time.Millisecond-limiter.WorkerWait {
		t.Errorf("it looks again after %s, and no token comes so soon", took)
	}
	if due := f.limiter.TakeLooks(); !slices.Equal(due, []uuid.UUID{hook.ID}) {
		t.Errorf("%v is looked at", due)
	}
	until(t, "one is released", func() bool {
		if err := f.holds.release(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		return f.heldFor(t, hook, delivery.Paused) == 1
	})
}

// Re-sends in bulk go out too where there is room for one at a time only.
func TestBulkOneAtATime(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL, limited(destination.Limits{MaxInFlight: 1}))
	setState(t, f, hook, destination.Paused)
	ids := f.send(t, hook, 5)
	exec(t, f, `UPDATE deliveries SET priority = 4`)
	setState(t, f, hook, destination.Active)
	f.learn(t, hook, time.Second) // it is slow
	for range ids {
		if err := f.holds.release(t.Context(), hook.ID); err != nil {
			t.Fatal(err)
		}
		if n := count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'queued'`); n != 1 {
			t.Fatalf("%d released, want one", n)
		}
		exec(t, f, `
			UPDATE deliveries
			SET status = 'delivered', job_id = NULL, due_at = NULL, held_at = NULL, first_ack_at = now(), finished_at = now()
			WHERE status = 'queued'`)
	}
}

// A context too large to be kept in memory while its delivery waits is sent whole
// when its turn comes.
func TestLargeContextWhenReleased(t *testing.T) {
	t.Parallel()
	f := start(t)
	bodies := make(chan []byte, 2)
	hook := f.webhook(t, receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
	}).URL)
	setState(t, f, hook, destination.Paused)
	want := map[string]bool{}
	for _, n := range []int{postgres.MaxKept - 20, postgres.MaxKept + 1} {
		context := fmt.Sprintf(`{"much":"%s"}`, strings.Repeat("x", n))
		want[context] = true
		f.accept(t, fmt.Sprintf(`{"id":"x","type":"RULE","severity":"LOW","alertContext":%s}`, context))
	}
	until(t, "both are held", func() bool { return f.heldFor(t, hook, delivery.Paused) == 2 })
	setState(t, f, hook, destination.Active)
	until(t, "both came", func() bool { return len(bodies) == 2 })
	for range 2 {
		var got struct {
			Context json.RawMessage `json:"alertContext"`
		}
		if err := json.Unmarshal(<-bodies, &got); err != nil {
			t.Fatal(err)
		}
		if !want[string(got.Context)] {
			t.Errorf("a context of %d bytes came, which nobody sent", len(got.Context))
		}
		delete(want, string(got.Context))
	}
}
