package dispatch

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
)

// sink is a receiver that remembers who came when, and can be made to hang.
type sink struct {
	*httptest.Server

	mu      sync.Mutex
	code    int
	headers http.Header
	hanging chan struct{}   // closed: it does not hang
	blocked []chan struct{} // all on which somebody may wait
	present int             // requests at this moment
	most    int             // requests at once, ever
	came    []string        // webhook-ids, in the order in which they came
	at      []time.Time     // and when that was
}

// newSink returns a receiver that acks.
func newSink(t testing.TB) *sink {
	t.Helper()
	s := &sink{code: http.StatusOK, headers: http.Header{}, hanging: make(chan struct{})}
	close(s.hanging)
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.unblock()
		s.Close()
	})
	return s
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	s.present++
	s.most = max(s.most, s.present)
	s.came, s.at = append(s.came, r.Header.Get("webhook-id")), append(s.at, time.Now())
	hanging, code := s.hanging, s.code
	for name, values := range s.headers {
		w.Header()[name] = values
	}
	s.mu.Unlock()
	select {
	case <-hanging:
	case <-r.Context().Done():
	}
	s.mu.Lock()
	s.present--
	s.mu.Unlock()
	w.WriteHeader(code)
}

// hang makes all requests from now on wait.
func (s *sink) hang() *sink {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hanging = make(chan struct{})
	s.blocked = append(s.blocked, s.hanging)
	return s
}

// pass lets those in that come from now on. Those that wait go on waiting, for the
// answer that was theirs when they came.
func (s *sink) pass() *sink {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hanging = make(chan struct{})
	close(s.hanging)
	return s
}

// unblock ends all waiting.
func (s *sink) unblock() {
	s.pass()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.blocked {
		close(b)
	}
	s.blocked = nil
}

// answer changes what it answers with from now on.
func (s *sink) answer(code int, header ...string) *sink {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.headers = code, http.Header{}
	for i := 0; i < len(header); i += 2 {
		s.headers.Set(header[i], header[i+1])
	}
	return s
}

// arrivals returns how many requests came, how many are there now, and how many
// there were at once.
func (s *sink) arrivals() (came, present, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.came), s.present, s.most
}

// ids returns which deliveries came, in order.
func (s *sink) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.came...)
}

func (s *sink) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time{}, s.at...)
}

// wantOnce checks that each came once.
func (s *sink) wantOnce(t testing.TB, ids []uuid.UUID) {
	t.Helper()
	seen := map[string]int{}
	for _, id := range s.ids() {
		seen[id]++
	}
	for _, id := range ids {
		if n := seen[id.String()]; n != 1 {
			t.Errorf("delivery %s came %d times", id, n)
		}
	}
	if len(seen) != len(ids) {
		t.Errorf("%d deliveries came, want %d", len(seen), len(ids))
	}
}

// patiently lets an attempt hang for longer than any test takes.
func patiently(c *Config) {
	c.AttemptTimeout = time.Minute
	c.Client = outbound.New(outbound.Options{Allow: []netip.Prefix{loopback}, Timeout: c.AttemptTimeout, UserAgent: "Belfry/test"})
}

func workers(n int) option { return func(c *Config) { c.Workers = n } }

// together is for one of several dispatchers on a database.
func together(c *Config) { c.Alone = false }

func limited(l destination.Limits) func(*destination.Destination) {
	return func(d *destination.Destination) { d.Limits = l }
}

// send accepts so many alerts for one destination and returns their deliveries.
func (f *fixture) send(t testing.TB, to destination.Destination, n int) []uuid.UUID {
	t.Helper()
	in := make([]alert.Parsed, n)
	for i := range in {
		in[i] = parse(t, `{"id":"x","severity":"LOW","type":"RULE","destinations":["`+to.ID.String()+`"]}`)
	}
	var ids []uuid.UUID
	for _, r := range f.Accept(t.Context(), "tester", in) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		ids = append(ids, r.Deliveries[0].ID)
	}
	return ids
}

// waitAll waits until all are as wanted.
func (f *fixture) waitAll(t testing.TB, ids []uuid.UUID, s delivery.Status) {
	t.Helper()
	until(t, "all "+string(s), func() bool { return f.are(t, ids, s) })
}

func (f *fixture) are(t testing.TB, ids []uuid.UUID, s delivery.Status) bool {
	t.Helper()
	return count(t, f, `SELECT count(*) FROM deliveries WHERE id = ANY($1) AND status = $2`, ids, s) == len(ids)
}

// heldFor counts the deliveries that a destination has held for a reason. None of
// these has a job.
func (f *fixture) heldFor(t testing.TB, to destination.Destination, r delivery.Reason) int {
	t.Helper()
	return count(t, f, `
		SELECT count(*)
		FROM deliveries d
		WHERE d.destination_id = $1 AND d.status = 'held' AND d.reason = $2
		  AND NOT EXISTS (
			SELECT FROM river_job j
			WHERE j.state IN ('available', 'scheduled', 'retryable') AND j.args->>'deliveryId' = d.id::text)`, to.ID, r)
}

// wantNoRepairs checks that nothing had to be repaired, nor has to be now.
func (f *fixture) wantNoRepairs(t testing.TB) {
	t.Helper()
	if n := f.metricValue(t, "belfry_repairs_total"); n != 0 {
		t.Errorf("%v repairs", n)
	}
	exec(t, f, `UPDATE deliveries SET due_at = due_at - interval '2 minutes' WHERE status IN ('queued', 'retrying') AND due_at <= now()`)
	f.reconcileNow(t)
	if n := f.metricValue(t, "belfry_repairs_total"); n != 0 {
		t.Errorf("%v repairs were due", n)
	}
}

// reconcileNow reconciles, after the round that the dispatcher may be at itself.
func (f *fixture) reconcileNow(t testing.TB) {
	t.Helper()
	until(t, "reconciled", func() bool {
		err := f.reconcile(t.Context())
		if err != nil && !errors.Is(err, postgres.ErrLocked) {
			t.Fatal(err)
		}
		return err == nil
	})
}

// jobsMade is how many jobs there have been since it was first asked. Their ids do
// not tell: those are fetched many at a time.
func (f *fixture) jobsMade(t testing.TB) int {
	t.Helper()
	exec(t, f, `
		CREATE SEQUENCE IF NOT EXISTS jobs_made MINVALUE 0 START 0;
		CREATE OR REPLACE FUNCTION count_job() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN PERFORM nextval('jobs_made'); RETURN NULL; END $$;
		CREATE OR REPLACE TRIGGER count_jobs AFTER INSERT ON river_job FOR EACH ROW EXECUTE FUNCTION count_job();`)
	return count(t, f, `SELECT last_value + is_called::int FROM jobs_made`)
}

// known returns a destination that has answered once, and may have more at once
// than a first try.
func (f *fixture) known(t testing.TB, s *sink, change ...func(*destination.Destination)) destination.Destination {
	t.Helper()
	to := f.webhook(t, s.URL, change...)
	f.waitAll(t, f.send(t, to, 1), delivery.Delivered)
	s.forget()
	return to
}

// turn sets a destination's state and has it looked at now.
func (f *fixture) turn(t testing.TB, to destination.Destination, s destination.State) {
	t.Helper()
	setState(t, f, to, s)
	f.Nudge()
}

// soon is until for what the upkeep does: it looks all the time, and not once a
// second.
func (f *fixture) soon(t testing.TB, what string, ok func() bool) {
	t.Helper()
	until(t, what, func() bool {
		f.Nudge()
		return ok()
	})
}

// soonAll waits until all are as wanted, and looks all the time.
func (f *fixture) soonAll(t testing.TB, ids []uuid.UUID, s delivery.Status) {
	t.Helper()
	f.soon(t, "all "+string(s), func() bool { return f.are(t, ids, s) })
}

// look is one round of the upkeep.
func (f *fixture) look(t testing.TB) {
	t.Helper()
	if err := f.move(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// forget forgets who came.
func (s *sink) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came, s.at, s.most = nil, nil, s.present
}
