//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"belfry/internal/pgtest"
)

// tenShortWaits are the retries of the seeds, sooner.
const tenShortWaits = "BELFRY_RETRY_WAITS=1ms 2ms 3ms 4ms 5ms 6ms 7ms 8ms 9ms 10ms"

// The story that the seeds tell of a failure: eleven attempts, then a person
// who re-sends.
func TestE2EFailedAndResent(t *testing.T) {
	heavy(t, 1)
	h := newHook(t)
	h.says(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, "out of order")
	})
	p, c := serving(t, pgtest.NewURL(t), tenShortWaits)
	dest := c.destination(t, "SOAR", h.url)
	id := c.alert(t, "a-1").Deliveries[0].ID

	d := c.awaitStatus(t, id, "failed", 1)
	if d.Reason != "attempts_exhausted" || d.Attempts != 11 || d.MaxAttempts != 11 || len(d.AttemptHistory) != 11 || h.of(id).requests != 11 {
		t.Errorf("failed with %s after %d of %d attempts, %d in the history, %d received",
			d.Reason, d.Attempts, d.MaxAttempts, len(d.AttemptHistory), h.of(id).requests)
	}
	for _, a := range d.AttemptHistory {
		if a.Class != "rejected" || a.code() != 500 || a.body() != "out of order" || !a.Counted || a.Run != 1 || a.Trigger != "automatic" {
			t.Errorf("attempt %+v", a)
		}
	}
	p.logsFailure(t, map[string]string{"alert_id": "a-1", "delivery_id": id, "destination_id": dest.ID, "reason": "attempts_exhausted"})

	h.says(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "mended") })
	var clicks sync.WaitGroup
	for range 2 {
		clicks.Go(func() {
			r, err := c.try(t.Context(), http.MethodPost, "/api/v1/deliveries/"+id+"/resend", map[string]any{"run": 1})
			if err != nil || r.status != http.StatusAccepted {
				t.Errorf("re-send: %d %s %v", r.status, r.body, err)
			}
		})
	}
	clicks.Wait()
	d = c.awaitStatus(t, id, "delivered", 2)
	if len(d.Runs) != 2 || d.Runs[0].Run == d.Runs[1].Run || len(d.AttemptHistory) != 12 || d.Attempts != 1 || h.of(id).requests != 12 {
		t.Errorf("after the re-send: %d received, %+v", h.of(id).requests, d)
	}
	good := d.AttemptHistory[slices.IndexFunc(d.AttemptHistory, func(a attemptView) bool { return a.Run == 2 })]
	if good.Trigger != "resend" || good.body() != "mended" || good.Number != 12 {
		t.Errorf("attempt %+v", good)
	}
	for _, r := range d.Runs {
		if (r.Trigger == "resend") != (r.Run == 2) || (r.RequestedBy != nil) != (r.Run == 2) {
			t.Errorf("run %+v", r)
		}
	}
}

// logsFailure checks the line for the people on call.
func (c *child) logsFailure(t *testing.T, want map[string]string) {
	t.Helper()
	c.says(t, c.log, `"msg":"delivery failed".*\n`) // the whole line
	for line := range strings.Lines(c.log.String()) {
		var facts map[string]any
		if !strings.Contains(line, `"msg":"delivery failed"`) {
			continue
		}
		if err := json.Unmarshal([]byte(line), &facts); err != nil || facts["level"] != "ERROR" || facts["attempt_id"] == nil {
			t.Errorf("%v: %s", err, line)
		}
		for key, value := range want {
			if facts[key] != value {
				t.Errorf("%s is %v, want %s: %s", key, facts[key], value, line)
			}
		}
	}
}

func TestE2EPausedThenResumed(t *testing.T) {
	heavy(t, 1)
	h := newHook(t)
	_, c := serving(t, pgtest.NewURL(t))
	dest := c.destination(t, "SOAR", h.url)
	c.call(t, http.StatusOK, http.MethodPost, "/api/v1/destinations/"+dest.ID+"/pause", nil, nil)
	d := c.alert(t, "a-1").Deliveries[0]
	if d.Status != "held" || d.Reason != "paused" {
		t.Errorf("accepted as %s %s, want held paused", d.Status, d.Reason)
	}
	c.call(t, http.StatusOK, http.MethodPost, "/api/v1/destinations/"+dest.ID+"/resume", nil, nil)
	got := c.awaitStatus(t, d.ID, "delivered", 1)
	if got.Attempts != 1 || len(got.AttemptHistory) != 1 || h.of(d.ID).requests != 1 {
		t.Errorf("after the pause: %+v", got)
	}
}

func TestE2EDeletedWhileRetrying(t *testing.T) {
	heavy(t, 1)
	h := newHook(t)
	h.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	_, c := serving(t, pgtest.NewURL(t), "BELFRY_RETRY_WAITS=1ms 1h")
	dest := c.destination(t, "SOAR", h.url)
	id := c.alert(t, "a-1").Deliveries[0].ID
	eventually(t, c.http.Timeout, func() string {
		if d := c.delivery(t, id); d.Attempts != 2 {
			return fmt.Sprintf("%d attempts, want 2", d.Attempts)
		}
		return ""
	})
	c.call(t, http.StatusNoContent, http.MethodDelete, "/api/v1/destinations/"+dest.ID, nil, nil)
	d := c.awaitStatus(t, id, "cancelled", 1)
	if d.Reason != "destination_deleted" || len(d.AttemptHistory) != 2 || d.Destination.DisplayName != "SOAR" {
		t.Errorf("cancelled: %+v", d)
	}
	for _, a := range d.AttemptHistory {
		if a.code() != http.StatusBadGateway {
			t.Errorf("attempt %+v", a)
		}
	}
	if r := c.call(t, http.StatusConflict, http.MethodPost, "/api/v1/deliveries/"+id+"/resend", nil, nil); code(r.body) != "destination_deleted" {
		t.Errorf("re-send: %s", r.body)
	}
	c.destination(t, "SOAR", h.url) // its name is free again
}
