//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"belfry/internal/pgtest"
)

// load is many alerts on their way into one or more servers.
type load struct {
	clients []*client
	n       int

	mu       sync.Mutex
	accepted map[string]bool // alertIds that were answered with 202
	refused  map[string]int  // other answers, and how often
	done     chan struct{}
}

const (
	connections = 6
	batch       = 25
)

// posting has producers post n alerts: half of them in batches, half singly, each
// repeated, with the same alertId and to the next server, until it is accepted.
func posting(t *testing.T, name string, n int, clients ...*client) *load {
	t.Helper()
	l := &load{clients: clients, n: n, accepted: map[string]bool{}, refused: map[string]int{}, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	work := make(chan []string)
	var producers sync.WaitGroup
	for i := range connections {
		producers.Go(func() {
			for ids := range work {
				l.produce(ctx, i, ids)
			}
		})
	}
	go func() {
		defer close(l.done)
		defer producers.Wait()
		defer close(work)
		for at := 0; at < n; {
			size := 1
			if at/batch%2 == 0 {
				size = min(batch, n-at)
			}
			var ids []string
			for range size {
				ids = append(ids, fmt.Sprintf("%s-%05d", name, at))
				at++
			}
			select {
			case work <- ids:
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-l.done })
	return l
}

// produce posts until every one of the alerts is accepted.
func (l *load) produce(ctx context.Context, turn int, alertIDs []string) {
	for ; ; turn++ {
		err := l.post(ctx, l.clients[turn%len(l.clients)], alertIDs)
		if err == nil || ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		l.refused[err.Error()]++
		l.mu.Unlock()
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// errNoAnswer is all that is to be said when the connection failed.
var errNoAnswer = errors.New("no answer")

func (l *load) post(ctx context.Context, c *client, alertIDs []string) error {
	path, body := "/api/v1/alerts", any(newAlert(alertIDs[0]))
	if len(alertIDs) > 1 {
		var alerts []any
		for _, id := range alertIDs {
			alerts = append(alerts, newAlert(id))
		}
		path, body = "/api/v1/alerts/batch", map[string]any{"alerts": alerts}
	}
	r, err := c.try(ctx, http.MethodPost, path, body)
	if err != nil {
		return errNoAnswer
	}
	if r.status != http.StatusAccepted {
		return fmt.Errorf("%d with Retry-After %q: %s", r.status, r.header.Get("Retry-After"), code(r.body))
	}
	var refused error
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(alertIDs) == 1 {
		l.accepted[alertIDs[0]] = true
		return nil
	}
	var answer struct {
		Results []struct {
			Status, AlertID string
			Problem         struct {
				Status int
				Code   string
			}
		}
	}
	if err := json.Unmarshal(r.body, &answer); err != nil || len(answer.Results) != len(alertIDs) {
		return fmt.Errorf("an answer that cannot be read: %s", r.body)
	}
	for _, result := range answer.Results {
		if result.Status == "accepted" || result.Status == "repeated" {
			l.accepted[result.AlertID] = true
		} else {
			refused = fmt.Errorf("%d for an alert of a batch: %s", result.Problem.Status, result.Problem.Code)
		}
	}
	return refused
}

// code is the code of a problem.
func code(body []byte) string {
	var problem struct{ Code string }
	if err := json.Unmarshal(body, &problem); err != nil {
		return "not a problem: " + string(body)
	}
	return problem.Code
}

// acceptedIDs returns what was accepted so far.
func (l *load) acceptedIDs() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.accepted))
}

func (l *load) refusals() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.refused)
}

// wait waits until all are accepted.
func (l *load) wait(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case <-l.done:
	case <-time.After(within):
		t.Fatalf("after %v %d of %d alerts are accepted; other answers: %v", within, len(l.acceptedIDs()), l.n, l.refusals())
	}
	if n := len(l.acceptedIDs()); n != l.n {
		t.Fatalf("%d of %d alerts are accepted; other answers: %v", n, l.n, l.refusals())
	}
}

// audit checks that each of the alerts, and no other, was delivered once as far
// as the books go, and at least once as the receiver saw it; and that nothing
// is left open.
func audit(t *testing.T, c *client, h *hook, alertIDs []string) []deliveryView {
	t.Helper()
	h.awaitAcks(t, 60*time.Second, alertIDs)
	want := countsView{Delivered: len(alertIDs)}
	eventually(t, 40*time.Second, func() string {
		if got := c.counts(t); got != want {
			return fmt.Sprintf("the counts are %+v, want %+v", got, want)
		}
		return ""
	})
	all := c.deliveries(t)
	if len(all) != len(alertIDs) {
		t.Errorf("%d deliveries, want %d", len(all), len(alertIDs))
	}
	of := map[string]deliveryView{}
	for _, d := range all {
		of[d.AlertID] = d
	}
	for _, id := range alertIDs {
		d, ok := of[id]
		switch got := h.of(d.ID); {
		case !ok:
			t.Errorf("alert %s has no delivery", id)
		case d.Status != "delivered" || d.Run != 1 || d.LastAttempt == nil || d.LastAttempt.Class != "acked":
			t.Errorf("alert %s: %+v", id, d)
		case got.alertID != id || got.acked < 1:
			t.Errorf("alert %s is said to be delivered as %s; the receiver got %+v", id, d.ID, got)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.receipts) != len(alertIDs) {
		t.Errorf("the receiver got %d webhook-ids for %d alerts", len(h.receipts), len(alertIDs))
	}
	return all
}

// uncharged checks that no delivery was charged more than its one good attempt.
func uncharged(t *testing.T, all []deliveryView) {
	t.Helper()
	for _, d := range all {
		if d.Attempts != 1 {
			t.Errorf("delivery %s was charged %d attempts: %+v", d.ID, d.Attempts, d.LastAttempt)
		}
	}
}

// balanced checks what no call shows for all at once: that the deliveries'
// counts are those of their attempts, within budget, and that no job is left.
func balanced(t *testing.T, databaseURL string) {
	t.Helper()
	pool := pgtest.Open(t, databaseURL).Pool()
	const wrong = `
		SELECT count(*)
		FROM deliveries d
		LEFT JOIN LATERAL (
			SELECT count(*) FILTER (WHERE a.counted AND a.run = d.run) AS counted, count(*) AS made,
			       count(DISTINCT a.number) AS numbers
			FROM attempts a
			WHERE a.delivery_id = d.id) x ON true
		WHERE x.counted <> d.attempts OR d.attempts > d.max_attempts OR x.numbers <> x.made OR d.job_id IS NOT NULL`
	const jobs = `
		SELECT count(*)
		FROM river_job
		WHERE state NOT IN ('completed', 'cancelled')`
	for what, query := range map[string]string{"deliveries do not add up": wrong, "jobs are left": jobs} {
		eventually(t, 20*time.Second, func() string {
			var n int
			if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("%d %s", n, what)
		})
	}
}

// explain logs, when the test has failed, what stands behind deliveries that are
// still open.
func explain(t *testing.T, databaseURL string) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		const query = `
			SELECT count(*) || ' ' || d.status || ' deliveries, due ' || date_trunc('second', now() - min(d.due_at)) || ' ago; job '
			       || coalesce(j.state::text, 'gone') || CASE
			           WHEN i.seen_at IS NULL THEN ', of nobody'
			           ELSE ', of an instance seen ' || date_trunc('second', now() - i.seen_at) || ' ago' END
			FROM deliveries d
			LEFT JOIN river_job j ON j.id = d.job_id
			LEFT JOIN instances i ON i.id::text = j.attempted_by[array_upper(j.attempted_by, 1)]
			WHERE d.status IN ('queued', 'retrying', 'held')
			GROUP BY d.status, j.state, i.seen_at`
		rows, err := pgtest.Open(t, databaseURL).Pool().Query(context.Background(), query)
		if err != nil {
			t.Log(err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Log(err)
			}
			t.Log(line)
		}
	})
}
