package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/delivery"
)

const healthPath = destinationsPath + "/health"

func (h *harness) health(t testing.TB, d CreatedDestination) DestinationHealthDetails {
	t.Helper()
	return decode[DestinationHealthDetails](t, h.get(t, destinationPath(d)+"/health"), 200)
}

// span stores what became of attempts within ten minutes that began at a time:
// those that were acked took below a millisecond, the others about a second.
func (h *harness) span(t testing.TB, id uuid.UUID, since time.Time, acked, failed int) {
	t.Helper()
	var d delivery.Durations
	d[0], d[31] = int32(acked), int32(failed)
	h.exec(t, `INSERT INTO destination_stats (destination_id, since, acked, failed, durations) VALUES ($1, $2, $3, $4, $5)`,
		id, since, acked, failed, d[:])
}

// untried is what a destination may have in flight that had nothing yet, of 16 workers.
var untried = &InFlight{Limit: 8, Ceiling: 8}

func TestHealthOfTheUntried(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	got := h.health(t, d)
	if diff := cmp.Diff(DestinationHealth{DestinationID: d.ID, State: "healthy", InFlight: untried, Held: heldCounts(nil)}, got.DestinationHealth); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.History) != 24 {
		t.Fatalf("%d points, want 24", len(got.History))
	}
	for i, p := range got.History {
		if want := got.History[0].Since.Add(time.Duration(i) * time.Hour); !p.Since.Equal(want) || p.Acked+p.Failed != 0 || p.P50Ms != nil || p.P95Ms != nil {
			t.Errorf("point %d is %+v, want one of nothing since %v", i, p, want)
		}
	}
	if last := got.History[23].Since; last.After(time.Now()) || time.Since(last) > time.Hour+time.Minute || !last.Equal(last.Truncate(time.Hour)) {
		t.Errorf("the last point is since %v", last)
	}
}

// What attempts show is shown, and a test shows nothing.
func TestHealthOfTheTried(t *testing.T) {
	t.Parallel()
	h := newAPI(t, patient)
	r := newReceiver(t, says(200, "ok"))
	d := h.hook(t, r.URL)
	wantStatus(t, h.post(t, destinationPath(d)+"/test", ""), 200)
	if got := h.health(t, d); got.State != "healthy" || got.LastAckAt != nil || got.LastDay.Attempts != 0 {
		t.Errorf("after a test: %+v", got.DestinationHealth)
	}
	_, id := h.accept1(t)
	h.await(t, id, DeliveryStatusDelivered)
	got := h.health(t, d)
	if got.State != "healthy" || got.LastAckAt == nil || got.ConsecutiveFailures != 0 || got.LastFailure != nil || *got.LastHour.SuccessRate != 1 {
		t.Errorf("after an ack: %+v", got.DestinationHealth)
	}

	r.become(says(503, "broken"))
	_, id = h.accept1(t)
	h.await(t, id, DeliveryStatusRetrying)
	got = h.health(t, d)
	if got.State != "failing" || got.FailingSince == nil || got.ConsecutiveFailures != 1 || got.HeldSince != nil || got.NextProbeAt != nil {
		t.Errorf("after a failure: %+v", got.DestinationHealth)
	}
	if f := got.LastFailure; f == nil || f.Class != "rejected" || *f.StatusCode != 503 || f.At.Before(*got.LastAckAt) {
		t.Errorf("last failure %+v", f)
	}
	if f := got.InFlight; f.Now != 0 || f.Limit != 8 || f.LoweredAt != nil || f.LoweredBecause != nil {
		t.Errorf("in flight after one 503: %+v", f)
	}
	for name, s := range map[string]AttemptStats{"hour": got.LastHour, "day": got.LastDay} {
		if s.Attempts != 2 || s.Acked != 1 || s.Failed != 1 || *s.SuccessRate != 0.5 || *s.P50Ms <= 0 || *s.P95Ms < *s.P50Ms {
			t.Errorf("last %s: %+v", name, s)
		}
	}
	acked, failed := 0, 0
	for _, p := range got.History[22:] { // the hour may have ended meanwhile
		acked, failed = acked+p.Acked, failed+p.Failed
	}
	if acked != 1 || failed != 1 {
		t.Errorf("history %+v", got.History)
	}
}

// A destination that asks for time is there.
func TestHealthOfTheSlow(t *testing.T) {
	t.Parallel()
	h := newAPI(t, waits(2*time.Hour, 2*time.Hour))
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	d := h.hook(t, r.URL)
	_, id := h.accept1(t)
	h.awaitRow(t, id, func(d delivery.Delivery) bool { return d.Attempts == 1 })
	got := h.health(t, d)
	if got.State != "healthy" || got.ConsecutiveFailures != 0 || value(got.LastFailure.StatusCode) != 429 || got.LastAckAt != nil || got.LastHour.Failed != 1 {
		t.Errorf("got %+v", got.DestinationHealth)
	}
	if got.SlowUntil == nil || time.Until(*got.SlowUntil).Round(time.Minute) != time.Hour {
		t.Errorf("slow until %v", got.SlowUntil)
	}
	if f := got.InFlight; f.Limit != 1 || f.Ceiling != 8 || f.LoweredAt == nil || value(f.LoweredBecause) != "too_much" {
		t.Errorf("in flight %+v", f)
	}
}

func TestHealthOfTheHeld(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	now := time.Now().UTC().Truncate(time.Microsecond)
	ago := func(d time.Duration) *time.Time { return ptr(now.Add(-d)) }
	h.exec(t, `INSERT INTO destination_health (destination_id, failures, failing_since, held_since, next_probe_at, last_ack_at,
			last_failure_at, last_class, last_error, slow_until)
		VALUES ($1, 12, $2, $3, $4, $5, $6, 'timeout', 'no answer', $7)`,
		d.ID, ago(time.Minute), ago(30*time.Second), ago(-5*time.Second), ago(time.Hour), ago(time.Second), ago(-time.Hour))
	want := DestinationHealth{
		DestinationID: d.ID, State: "unreachable", ConsecutiveFailures: 12, FailingSince: ago(time.Minute), HeldSince: ago(30 * time.Second),
		NextProbeAt: ago(-5 * time.Second), LastAckAt: ago(time.Hour), SlowUntil: ago(-time.Hour),
		LastFailure: &LastFailure{At: *ago(time.Second), Class: "timeout", Error: ptr("no answer")}, InFlight: untried, Held: heldCounts(nil),
	}
	if diff := cmp.Diff(want, h.health(t, d).DestinationHealth); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	h.exec(t, `UPDATE destination_health SET slow_until = $1, last_error = '', last_class = 'rejected', last_status_code = 500`, ago(time.Second))
	want.State, want.SlowUntil = "failing", nil
	want.LastFailure.Class, want.LastFailure.Error, want.LastFailure.StatusCode = "rejected", nil, ptr(500)
	if diff := cmp.Diff(want, h.health(t, d).DestinationHealth); diff != "" {
		t.Errorf("when that is past (-want +got):\n%s", diff)
	}
}

// A destination that never acks is failing from the tenth attempt on, also when all it
// answers is 429, and whether or not its deliveries are held for that.
func TestHealthOfTheBusyWithoutAck(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	now := time.Now().UTC().Truncate(time.Microsecond)
	since := now.Add(-time.Hour)
	h.exec(t, `INSERT INTO destination_health (destination_id, unacked, failing_since, last_failure_at, last_class, last_status_code)
		VALUES ($1, 9, $2, $3, 'rejected', 429)`, d.ID, since, now)
	if got := h.health(t, d); got.State != "healthy" || got.ConsecutiveFailures != 0 || got.FailingSince != nil {
		t.Errorf("after nine: %+v", got.DestinationHealth)
	}
	h.exec(t, `UPDATE destination_health SET unacked = 583`)
	if got := h.health(t, d); got.State != "failing" || got.ConsecutiveFailures != 583 || got.FailingSince == nil || !got.FailingSince.Equal(since) {
		t.Errorf("after 583: %+v", got.DestinationHealth)
	}
}

// New settings are tried at once, unless a probe is under way or there is nothing
// to probe for.
func TestNewSettingsAreProbed(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	later := time.Now().Add(time.Minute).UTC().Truncate(time.Microsecond)
	leased := "00000000-0000-0000-0000-000000000001"
	for name, c := range map[string]struct {
		patch   object
		probing string // since and until, in SQL
		down    bool
		want    bool
	}{
		"another URL":              {object{"settings": object{"url": "http://a.test/new"}}, "NULL, NULL", true, true},
		"no headers":               {object{"settings": object{"headers": nil}}, "NULL, NULL", true, true},
		"a lease that has run out": {object{"settings": object{"headers": nil}}, "'" + leased + "', now()", true, true},
		"a probe is under way":     {object{"settings": object{"headers": nil}}, "'" + leased + "', now() + interval '1 minute'", true, false},
		"the same settings":        {object{"settings": object{"headers": []object{{"name": "X-Api-Key"}}}}, "NULL, NULL", true, false},
		"something else":           {object{"displayName": "another", "limits": object{"maxInFlight": 2}}, "NULL, NULL", true, false},
		"it is healthy":            {object{"settings": object{"headers": nil}}, "NULL, NULL", false, false},
	} {
		d := h.hook(t, "http://a.test")
		h.exec(t, `INSERT INTO destination_health (destination_id, held_since, next_probe_at, probe_delivery_id, probe_until)
			SELECT $1, CASE WHEN $2 THEN now() END, CASE WHEN $2 THEN $3::timestamptz END, `+c.probing, d.ID, c.down, later)
		began := time.Now()
		wantStatus(t, h.patch(t, destinationPath(d), js(c.patch)), 200)
		at := h.health(t, d).NextProbeAt
		got := at != nil && !at.Before(began.Truncate(time.Microsecond)) && !at.After(time.Now())
		if got != c.want || !c.want && c.down && !at.Equal(later) {
			t.Errorf("%s: the next probe is due at %v, which is at once: %t", name, at, got)
		}
	}
}

// heldCounts are the counts of an answer, which has one for each reason.
func heldCounts(some map[delivery.Reason]int) HeldCounts {
	all := HeldCounts{}
	for _, reason := range delivery.HoldReasons() {
		all[string(reason)] = some[reason]
	}
	return all
}

func TestHealthCountsWhatIsHeld(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d, other := h.hook(t, "http://a.test"), h.hook(t, "http://a.test")
	wantStatus(t, h.post(t, destinationPath(d)+"/pause", ""), 200)
	for range 4 {
		h.accept(t)
	}
	h.exec(t, `UPDATE deliveries SET reason = 'misconfigured' WHERE id = (SELECT id FROM deliveries WHERE status = 'held' LIMIT 1)`)
	for which, want := range map[*CreatedDestination]HeldCounts{
		&d:     heldCounts(map[delivery.Reason]int{delivery.Paused: 3, delivery.Misconfigured: 1}),
		&other: heldCounts(nil),
	} {
		if diff := cmp.Diff(want, h.health(t, *which).Held); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestHealthHistory(t *testing.T) {
	t.Parallel()
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	h := newAPI(t, idle, func(s *setup) { s.api.Now = func() time.Time { return noon.Add(25 * time.Minute) } })
	d, other := h.hook(t, "http://a.test"), h.hook(t, "http://a.test")
	for at, n := range map[time.Duration][2]int{ // from noon on
		20 * time.Minute:               {1, 0},
		0:                              {2, 0},
		-10 * time.Minute:              {4, 4},
		-20 * time.Minute:              {8, 8},
		-30 * time.Minute:              {16, 0},
		-40 * time.Minute:              {1000, 0}, // its end is not within the hour
		-23 * time.Hour:                {1, 99},
		-23*time.Hour - 10*time.Minute: {5000, 0}, // of an hour of the clock that is over
		-23*time.Hour - 30*time.Minute: {5000, 0},
		-23*time.Hour - 40*time.Minute: {9999, 9999},
		-100 * time.Hour:               {9999, 9999},
	} {
		h.span(t, d.ID, noon.Add(at), n[0], n[1])
	}
	h.span(t, other.ID, noon, 7, 7)
	got := h.health(t, d)
	if s := got.LastHour; s.Attempts != 43 || s.Acked != 31 || s.Failed != 12 || *s.SuccessRate != 31.0/43 || *s.P50Ms != 1 || *s.P95Ms < 1000 || *s.P95Ms > 1300 {
		t.Errorf("last hour %s", js(s))
	}
	if s := got.LastDay; s.Acked != 31+1000+1+10_000 || s.Failed != 12+99 {
		t.Errorf("last day %s", js(s))
	}
	var lines []string
	for _, p := range got.History {
		if p.Acked+p.Failed > 0 {
			lines = append(lines, fmt.Sprintf("%v %d %d", p.Since.Sub(noon), p.Acked, p.Failed))
		}
	}
	if diff := cmp.Diff("-23h0m0s 1 99, -1h0m0s 1028 12, 0s 3 0", strings.Join(lines, ", ")); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	first, last := got.History[0], got.History[23]
	if !last.Since.Equal(noon) || *last.P50Ms != 1 || *last.P95Ms != 1 || *first.P50Ms < 1000 {
		t.Errorf("from %s to %s", js(first), js(last))
	}
}

func TestListHealth(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	if a := h.get(t, healthPath); string(a.body) != `{"items":[],"nextCursor":null}`+"\n" {
		t.Errorf("without destinations: %s", a.body)
	}
	var want []ListedDestinationHealth
	for _, name := range []string{"bravo", "Alpha", "charlie", "delta"} {
		d := h.hook(t, "http://a.test", object{"displayName": name})
		switch name {
		case "Alpha":
			h.exec(t, `INSERT INTO destination_health (destination_id, last_ack_at) VALUES ($1, now())`, d.ID)
			h.span(t, d.ID, time.Now(), 3, 1)
		case "bravo":
			wantStatus(t, h.post(t, destinationPath(d)+"/pause", ""), 200)
			h.accept(t)
		case "delta":
			wantStatus(t, h.delete(t, destinationPath(d)), 204)
			continue
		}
		want = append(want, ListedDestinationHealth{DestinationHealth: h.health(t, d).DestinationHealth})
	}
	want[0], want[1] = want[1], want[0]
	a := h.get(t, healthPath)
	got := decode[DestinationHealthList](t, a, 200)
	for i := range want { // what came later
		want[i].Held = got.Items[i].Held
	}
	if diff := cmp.Diff(want, got.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Items[0].State != "healthy" || got.Items[0].LastHour.Acked != 3 || got.Items[1].Held["paused"] != 1 || strings.Contains(string(a.body), "history") {
		t.Errorf("got %s", a.body)
	}
}

// One call has the history of all of them, each as a call for it alone would.
func TestListHealthWithHistory(t *testing.T) {
	t.Parallel()
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	h := newAPI(t, idle, func(s *setup) { s.api.Now = func() time.Time { return noon.Add(25 * time.Minute) } })
	var want []ListedDestinationHealth
	for i, name := range []string{"alpha", "bravo", "charlie"} {
		d := h.hook(t, "http://a.test", object{"displayName": name})
		for hour := range 24 * i { // none, a day, and what is older
			h.span(t, d.ID, noon.Add(20*time.Minute-time.Duration(hour)*time.Hour), hour, i)
		}
		one := h.health(t, d)
		want = append(want, ListedDestinationHealth(one))
	}
	for query, history := range map[string]bool{"": false, "?history=false": false, "?history=true": true} {
		a := h.get(t, healthPath+query)
		got := decode[DestinationHealthList](t, a, 200)
		if history {
			if diff := cmp.Diff(want, got.Items); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
			if first, last := got.Items[1].History[0], got.Items[1].History[23]; first.Acked != 23 || first.Failed != 1 || last.Acked != 0 || !last.Since.Equal(noon) {
				t.Errorf("from %s to %s", js(first), js(last))
			}
		} else if len(got.Items) != 3 || strings.Contains(string(a.body), "history") {
			t.Errorf("%q: %s", query, a.body)
		}
	}
	wantProblem(t, h.get(t, healthPath+"?history=24h"), 422, ProblemCodeInvalid, "history")
	wantProblem(t, h.get(t, healthPath+"?history="), 422, ProblemCodeInvalid, "history")
}

func TestHealthOfNothing(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	wantStatus(t, h.delete(t, destinationPath(d)), 204)
	for _, id := range []string{anyID, d.ID.String(), uuid.Nil.String()} {
		wantProblem(t, h.get(t, destinationsPath+"/"+id+"/health"), 404, ProblemCodeNotFound)
	}
	wantProblem(t, h.get(t, destinationsPath+"/x/health"), 400, ProblemCodeMalformed, "id")
	wantProblem(t, h.get(t, healthPath+"?limit=1"), 422, ProblemCodeInvalid, "limit")
	wantProblem(t, h.post(t, healthPath, ""), 405, ProblemCodeMethodNotAllowed)
}
