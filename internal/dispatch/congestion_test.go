package dispatch

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// oneASecond takes a request a second and answers the others that they come too
// soon.
func oneASecond(code int, retryAfter string) (answer http.HandlerFunc, refused func() int) {
	var (
		mu      sync.Mutex
		last    time.Time
		tooMany int
	)
	answer = func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			return
		}
		tooMany++
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
	}
	return answer, func() int { mu.Lock(); defer mu.Unlock(); return tooMany }
}

// tenQuick are ten waits that a burst would use up in two seconds.
func tenQuick(c *Config) {
	c.Waits = nil
	for range delivery.MaxRetries {
		c.Waits = append(c.Waits, 200*time.Millisecond)
	}
}

// Thirty alerts at once all get to destinations that take one a second, and say so,
// although a run has ten retries of 200 ms: what waits spends nothing. Neither they
// nor a neighbour notice anything of each other.
func TestTooManyAtOnceAreAllDelivered(t *testing.T) {
	t.Parallel()
	f := start(t, tenQuick)
	healthy := f.webhook(t, newSink(t).URL)
	var all []uuid.UUID
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		answer, _ := oneASecond(code, "1")
		all = append(all, f.send(t, f.webhook(t, receiver(t, answer).URL), 30)...)
	}
	f.waitAll(t, f.send(t, healthy, 300), delivery.Delivered)
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND status = 'delivered'`, all); n > 20 {
		t.Errorf("%d were delivered before the neighbour's", n)
	}
	f.untilDelivered(t, all)
}

// Two replicas do the same together: what one is told the other reads.
func TestTooManyAtOnceFromTwo(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f, g := newDispatcher(t, db, tenQuick, together), newDispatcher(t, db, tenQuick, together)
	f.run(t)
	g.run(t)
	answer, _ := oneASecond(http.StatusTooManyRequests, "1")
	hook := f.webhook(t, receiver(t, answer).URL)
	f.untilDelivered(t, append(f.send(t, hook, 6), g.send(t, hook, 6)...))
	if h := f.health(t, hook); h.Holding() || h.KeepsFailing() {
		t.Errorf("it is taken for failing: %+v", h)
	}
}

// A 503 with Retry-After to one replica holds the deliveries of the other as well.
func TestUnavailableIsToldToAll(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		db := pgtest.New(t)
		f, g := newDispatcher(t, db, tenQuick, together), newDispatcher(t, db, tenQuick, together)
		var asked atomic.Int64
		hook := f.webhook(t, receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(code)
		}).URL)
		f.run(t)
		first := f.send(t, hook, 1)[0]
		until(t, "it was told", func() bool { return count(t, f, `SELECT attempts FROM deliveries WHERE id = $1`, first) == 1 })
		if h := g.health(t, hook); !h.SlowUntil.After(time.Now().Add(30 * time.Second)) {
			t.Fatalf("%d: the others read that it is slow until %v", code, h.SlowUntil)
		}
		g.run(t)
		second := g.send(t, hook, 1)[0]
		until(t, "the other's is held", func() bool {
			return count(t, g, `SELECT count(*) FROM deliveries WHERE id = $1 AND status = 'held' AND reason = 'busy'`, second) == 1
		})
		if n := asked.Load(); n != 1 {
			t.Errorf("%d: it was asked %d times", code, n)
		}
	}
}

// What another process was told is read in the destination's health, by whoever is about
// to send and by the release: here, too, it then gets one attempt at a time.
func TestAnotherWasToldThatItIsTooMuch(t *testing.T) {
	t.Parallel()
	for name, reads := range map[string]func(*fixture, destination.Destination, postgres.DeliveryView) error{
		"about to send": func(f *fixture, _ destination.Destination, v postgres.DeliveryView) error {
			return f.work(t.Context(), v.JobID, v.ID)
		},
		"the release": func(f *fixture, to destination.Destination, _ postgres.DeliveryView) error {
			return f.holds.release(t.Context(), to.ID)
		},
	} {
		f := newDispatcher(t, pgtest.New(t)).ready(t)
		to := f.webhook(t, newSink(t).URL, limited(destination.Limits{MaxInFlight: 8}))
		f.learn(t, to, quickly)
		v := f.wait(t, f.send(t, to, 1)[0], is(delivery.Queued))
		exec(t, f, `INSERT INTO destination_health (destination_id, slow_until) VALUES ($1, now() + interval '1 minute')`, to.ID)
		if err := reads(f, to, v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := f.grabs(t, to); n != 1 {
			t.Errorf("%s: %d attempts at once, want one", name, n)
		}
	}
}

// untilDelivered waits until all are delivered, however long that takes, and fails
// with the first that is not.
func (f *fixture) untilDelivered(t testing.TB, ids []uuid.UUID) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !f.are(t, ids, delivery.Delivered); pause() {
		if count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'failed'`) > 0 || time.Now().After(deadline) {
			t.Fatalf("%d of %d delivered", count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND status = 'delivered'`, ids), len(ids))
		}
	}
	t.Logf("at most %d attempts", count(t, f, `SELECT max(attempts) FROM deliveries`))
	f.wantNoRepairs(t)
}

// Which answers say that it is too much, and for how long one process heeds them.
func TestPauseFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code       int
		retryAfter time.Duration
		wait       time.Duration
		tooMuch    bool
	}{
		{429, 0, 0, true},
		{429, time.Second, time.Second, true},
		{429, time.Hour, ourFault, true},
		{503, 0, 0, false},
		{503, time.Second, time.Second, true},
		{503, time.Hour, time.Minute, true},
		{500, time.Second, 0, false},
		{200, time.Second, 0, false},
		{0, 0, 0, false},
	} {
		wait, tooMuch := pauseFor(outbound.Result{StatusCode: tt.code, RetryAfter: tt.retryAfter})
		if wait != tt.wait || tooMuch != tt.tooMuch {
			t.Errorf("%s after %s: got %s, %v", strconv.Itoa(tt.code), tt.retryAfter, wait, tooMuch)
		}
	}
}

// What the limiter is told of an answer.
func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		r    outbound.Result
		want limiter.Outcome
	}{
		{outbound.Result{Class: outbound.Acked, StatusCode: 200, Duration: time.Second}, limiter.Outcome{Took: time.Second, Acked: true}},
		{outbound.Result{Class: outbound.Refused}, limiter.Outcome{Took: 1}}, // an attempt was made
		{outbound.Result{Class: outbound.Interrupted, Duration: time.Second}, limiter.Outcome{}},
		{outbound.Result{}, limiter.Outcome{}}, // it ended in a panic
		{outbound.Result{Class: outbound.Rejected, StatusCode: 429, RetryAfter: time.Second, Duration: 5}, limiter.Outcome{Took: 5, TooMuch: true, Pause: time.Second}},
	} {
		if got := outcomeOf(tt.r); got != tt.want {
			t.Errorf("%+v: got %+v, want %+v", tt.r, got, tt.want)
		}
	}
}
