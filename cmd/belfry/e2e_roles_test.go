//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// serverView is what a server says of itself and of the others.
type serverView struct {
	Replicas []struct {
		ID, SeenAt string
		Roles      []string
		Alive      bool
	}
}

func (s serverView) roles() string {
	var all []string
	for _, r := range s.Replicas {
		if r.Alive {
			all = append(all, strings.Join(r.Roles, "+"))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// One process answers and accepts, another delivers.
func TestE2ERoles(t *testing.T) {
	heavy(t, 2)
	h, databaseURL := newHook(t), pgtest.NewURL(t)
	api, c := serving(t, databaseURL, "BELFRY_ROLES=api", "BELFRY_RETRY_WAITS=none")
	worker, w := serving(t, databaseURL, "BELFRY_ROLES=worker", "BELFRY_RETRY_WAITS=none")
	explain(t, databaseURL)
	d := c.destination(t, "SOAR", h.url)
	c.describes(t, "api worker")
	w.onlyDelivers(t)

	l := posting(t, "both", 100, c)
	l.wait(t, 20*time.Second)
	audit(t, c, h, l.acceptedIDs())
	var test struct{ Attempt attemptView }
	c.call(t, http.StatusOK, http.MethodPost, "/api/v1/destinations/"+d.ID+"/test", nil, &test)
	if test.Attempt.Class != "acked" || test.Attempt.Trigger != "test" {
		t.Errorf("test: %+v", test)
	}
	h.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	failed := c.alert(t, "failed").Deliveries[0].ID
	c.awaitStatus(t, failed, "failed", 1)
	h.says(slow(0))
	c.resend(t, failed, 1)
	c.awaitStatus(t, failed, "delivered", 2)

	// Without a worker everything waits, whatever is asked for.
	worker.stop(t, 20*time.Second)
	c.describes(t, "api")
	before := h.requests()
	waiting := posting(t, "waiting", 200, c)
	waiting.wait(t, 20*time.Second)
	c.resendAgain(t, failed, 2)
	c.twoBeats(t)
	if n := c.counts(t); n.Queued+n.Held != 201 || n.Queued == 0 || n.Held == 0 {
		t.Errorf("without a worker: %+v", n)
	}
	if n := h.requests() - before; n != 0 {
		t.Errorf("%d requests without a worker", n)
	}
	c.healthy(t)

	began := time.Now()
	_, w = serving(t, databaseURL, "BELFRY_ROLES=worker", "BELFRY_RETRY_WAITS=none")
	h.awaitAcks(t, 30*time.Second, waiting.acceptedIDs())
	c.awaitStatus(t, failed, "delivered", 3)
	eventually(t, 10*time.Second, func() string {
		if n := c.counts(t); n != (countsView{Delivered: 301}) {
			return fmt.Sprintf("%+v", n)
		}
		return ""
	})
	t.Logf("all that waited was delivered %v after a worker was started", time.Since(began).Round(time.Millisecond))
	balanced(t, databaseURL)
	c.describes(t, "api worker")
	if n := h.repeats(); n != 2 { // the two re-sends
		t.Errorf("%d repeats at the receiver, want 2", n)
	}
	if strings.Contains(api.log.String(), `"msg":"delivery attempted"`) {
		t.Error("the process that only answers has delivered")
	}
	w.healthy(t)
}

// describes waits until GET /server lists processes with these roles.
func (c *client) describes(t *testing.T, roles string) {
	t.Helper()
	eventually(t, 10*time.Second, func() string {
		var s serverView
		c.call(t, http.StatusOK, http.MethodGet, "/api/v1/server", nil, &s)
		if got := s.roles(); got != roles {
			return fmt.Sprintf("there are %q, want %q", got, roles)
		}
		return ""
	})
}

// twoBeats waits until the only process has shown twice that it is alive: so long
// nothing else happened either.
func (c *client) twoBeats(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	eventually(t, 20*time.Second, func() string {
		var s serverView
		c.call(t, http.StatusOK, http.MethodGet, "/api/v1/server", nil, &s)
		for _, r := range s.Replicas {
			seen[r.SeenAt] = true
		}
		if len(seen) < 3 {
			return "no two beats"
		}
		return ""
	})
}

// onlyDelivers checks that a worker answers whether it is well, and nothing else.
func (c *client) onlyDelivers(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		c.call(t, http.StatusOK, http.MethodGet, path, nil, nil)
	}
	gone := func(method, path string, body any) {
		t.Helper()
		r := c.call(t, http.StatusNotFound, method, path, body, nil)
		var problem struct {
			Code, Title, Detail string
			Status              int
		}
		if err := json.Unmarshal(r.body, &problem); err != nil || r.header.Get("Content-Type") != "application/problem+json" ||
			problem.Code != "not_found" || problem.Status != http.StatusNotFound || !strings.Contains(problem.Detail, "BELFRY_ROLES") {
			t.Errorf("%s %s: %v %v %s", method, path, err, r.header, r.body)
		}
	}
	for _, path := range []string{"/", "/docs", "/openapi.yaml", "/sign-in", "/api/v1/server", "/api/v1/alerts", "/api/v1/deliveries", "/nothing"} {
		gone(http.MethodGet, path, nil)
	}
	gone(http.MethodPost, "/api/v1/alerts", newAlert("to the worker"))
	gone(http.MethodPost, "/api/v1/destinations", map[string]any{})
	began := time.Now()
	status, _, ends, err := exchange(strings.TrimPrefix(*c.base.Load(), "http://"), "POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
	if took := time.Since(began); err != nil || status != http.StatusNotFound || !ends || took > 8*time.Second {
		t.Errorf("a body that does not come: %d, the connection ends: %t, %v, after %v", status, ends, err, took)
	}
}

// resend asks for another run of a delivery that has failed in a run.
func (c *client) resend(t *testing.T, id string, run int) {
	t.Helper()
	c.call(t, http.StatusAccepted, http.MethodPost, "/api/v1/deliveries/"+id+"/resend", map[string]any{"run": run}, nil)
}

// resendAgain asks for another run of a delivery that was delivered in a run.
func (c *client) resendAgain(t *testing.T, id string, run int) {
	t.Helper()
	c.call(t, http.StatusAccepted, http.MethodPost, "/api/v1/deliveries/"+id+"/resend", map[string]any{"run": run, "again": true}, nil)
}
