package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
)

// hangsUp ends the connection without an answer.
func hangsUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// shown is what the health of a destination says of its state.
type shown struct {
	State       DestinationHealthState
	Class       AttemptClass // of the last failure
	Failures    int
	Since, Held bool // whether it says since when it fails, and since when deliveries are held
	Waiting     int  // deliveries held as failing
}

func shownOf(h DestinationHealthDetails) shown {
	s := shown{
		State: h.State, Failures: h.ConsecutiveFailures, Waiting: h.Held["failing"],
		Since: h.FailingSince != nil, Held: h.HeldSince != nil && h.NextProbeAt != nil,
	}
	if h.LastFailure != nil {
		s.Class = h.LastFailure.Class
	}
	return s
}

// A destination's state goes by what its newest attempts got, and not by whether its
// deliveries are held: healthy, failing, unreachable, failing and held, unreachable and
// held, healthy.
func TestHealthStates(t *testing.T) {
	t.Parallel()
	h := newAPI(t, patient)
	r := newReceiver(t, says(200, "ok"))
	d := h.hook(t, r.URL)
	wants := func(what string, want shown) {
		t.Helper()
		until(t, what, func() bool {
			got := shownOf(h.health(t, d))
			if got != want {
				t.Logf("%s: %+v, want %+v", what, got, want)
			}
			return got == want
		})
	}
	sends := func(n int, how http.HandlerFunc) {
		t.Helper()
		r.become(how)
		for range n {
			_, id := h.accept1(t)
			h.awaitRow(t, id, func(d delivery.Delivery) bool { return d.Attempts == 1 })
		}
	}
	// The next probe is that of a new alert, as all others wait for an hour. None is made
	// before that, however slow the machine is.
	noProbe := func() { h.exec(t, `UPDATE destination_health SET next_probe_at = now() + interval '1 hour'`) }
	probes := func(how http.HandlerFunc) (id uuid.UUID) {
		t.Helper()
		r.become(how)
		if _, id = h.accept1(t); h.delivery(t, id).Status != DeliveryStatusHeld {
			t.Errorf("a new delivery is %s", h.delivery(t, id).Status)
		}
		h.exec(t, `UPDATE destination_health SET next_probe_at = now()`)
		h.awaitRow(t, id, func(d delivery.Delivery) bool { return d.Attempts == 1 })
		return id
	}
	wants("never tried", shown{State: "healthy"})
	sends(1, says(200, "ok"))
	wants("acked", shown{State: "healthy"})
	sends(1, says(503, "broken"))
	wants("rejected", shown{State: "failing", Class: "rejected", Failures: 1, Since: true})
	sends(1, hangsUp)
	wants("hung up", shown{State: "unreachable", Class: "reset", Failures: 2, Since: true})
	h.exec(t, `UPDATE destination_health SET failing_since = now() + interval '1 hour'`) // however long the next ones take
	sends(8, says(302, "elsewhere"))
	wants("redirected", shown{State: "failing", Class: "redirected", Failures: 10, Since: true})

	h.exec(t, `UPDATE destination_health SET failing_since = now() - interval '31 seconds'`)
	sends(1, says(404, "not here"))
	wants("held", shown{State: "failing", Class: "rejected", Failures: 11, Since: true, Held: true, Waiting: 11})
	since := h.health(t, d).HeldSince
	noProbe()
	probes(hangsUp)
	wants("held, and the probe hung up", shown{State: "unreachable", Class: "reset", Failures: 12, Since: true, Held: true, Waiting: 12})
	if now := h.health(t, d).HeldSince; !now.Equal(*since) {
		t.Errorf("held since %s, and then since %s", since, now)
	}
	noProbe()
	id := probes(says(200, "ok"))
	h.await(t, id, DeliveryStatusDelivered)
	wants("the probe acked", shown{State: "healthy", Class: "reset"})
}

// The class of the last failure says which of the two it is, held or not. So a query
// that reads the same columns finds the same.
func TestHealthStateByClass(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for class, want := range map[string]DestinationHealthState{
		"rejected": "failing", "redirected": "failing", "protocol": "failing",
		"timeout": "unreachable", "dns": "unreachable", "refused": "unreachable", "reset": "unreachable", "tls": "unreachable",
		"blocked_address": "unreachable",
	} {
		d := h.hook(t, "http://a.test")
		h.exec(t, `INSERT INTO destination_health (destination_id, failures, unacked, failing_since, last_failure_at, last_class)
			VALUES ($1, 1, 1, $2, $2, $3)`, d.ID, time.Now(), class)
		if got := h.health(t, d); got.State != want || got.HeldSince != nil {
			t.Errorf("%s: %s, held since %v", class, got.State, got.HeldSince)
		}
		h.exec(t, `UPDATE destination_health SET held_since = now(), next_probe_at = now() WHERE destination_id = $1`, d.ID)
		if got := h.health(t, d); got.State != want || got.HeldSince == nil {
			t.Errorf("%s, held: %s, held since %v", class, got.State, got.HeldSince)
		}
		h.exec(t, `UPDATE destination_health SET failures = 0, unacked = 0, failing_since = NULL, held_since = NULL, next_probe_at = NULL
			WHERE destination_id = $1`, d.ID)
		if got := h.health(t, d); got.State != "healthy" {
			t.Errorf("%s, and acked since: %s", class, got.State)
		}
	}
}
