package scenarios

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

const (
	countedAlerts = 400_000 // with 800,000 deliveries
	counters      = 24
	countEvery    = 20 * time.Millisecond // between two posts
)

// counted asks whether people who count, all at once, keep producers waiting, and
// how long a count takes by itself.
func counted(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	s, past, err := b.BuildOnPast(ctx, b.Scaled(countedAlerts), 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	to, err := s.Healthy(ctx)
	if err != nil {
		return r, err
	}
	old := past.Old
	slowest := 0.0
	for _, q := range countQueries(old) {
		call, err := timePosts(ctx, s.API, "POST "+bulkPath+" "+q, bulkPath, q)
		if err != nil {
			return r, err
		}
		r.Calls, slowest = append(r.Calls, call), max(slowest, call.P95)
	}
	alone, err := postSteadily(ctx, s, "alone", to, b.During(20*time.Second))
	if err != nil {
		return r, err
	}
	beside, err := postBesideCounters(ctx, s, &r, to, old)
	if err != nil {
		return r, err
	}
	r.Calls = append(r.Calls, alone, beside)
	slices.SortFunc(r.Calls, func(a, b calls.Timed) int { return cmp.Compare(b.P95, a.P95) })
	r.Fact("postAloneP95Ms", alone.P95)
	r.Fact("postBesideCountersP95Ms", beside.P95)
	r.Checks = []report.Check{
		report.AtMost("p95 of the slowest dry run, by itself,", slowest, 100, "ms"),
		report.TimesBase(fmt.Sprintf("p95 of POST /api/v1/alerts beside %d who count", counters), beside.P95, alone.P95, 2),
	}
	return r, nil
}

const bulkPath = "/api/v1/bulk-resends"

// countQueries are dry runs that an index answers.
func countQueries(old calls.Destination) []string {
	return []string{
		`{"dryRun":true,"filter":{"status":["failed"]}}`,
		`{"dryRun":true,"filter":{"status":["failed","cancelled"]}}`,
		`{"dryRun":true,"filter":{"status":["failed"],"destinationId":["` + old.ID + `"]}}`,
		`{"dryRun":true,"again":true,"filter":{"status":["failed","delivered"]}}`,
	}
}

// timePosts makes a call a number of times, one at a time.
func timePosts(ctx context.Context, c calls.Client, what, path, body string) (calls.Timed, error) {
	var took []time.Duration
	for range calls.CallTimes {
		d, err := c.Call(ctx, http.MethodPost, path, []byte(body), nil)
		if err != nil {
			return calls.Timed{}, err
		}
		took = append(took, d)
	}
	return calls.NewTimed(what, took), nil
}

// postSteadily posts alerts to a destination for so long, and times each post.
func postSteadily(ctx context.Context, s *stage.Stage, prefix string, to calls.Destination, length time.Duration) (calls.Timed, error) {
	alerts := load.NewPayloads(load.Shape{Prefix: s.Tagged(prefix), LogType: to.LogType})
	every := time.NewTicker(countEvery)
	defer every.Stop()
	var took []time.Duration
	for began := time.Now(); time.Since(began) < length; {
		d, err := s.API.Call(ctx, http.MethodPost, "/api/v1/alerts", []byte(alerts.One(len(took))), nil)
		if err != nil {
			return calls.Timed{}, err
		}
		took = append(took, d)
		select {
		case <-every.C:
		case <-ctx.Done():
			return calls.Timed{}, ctx.Err()
		}
	}
	return calls.NewTimed("POST /api/v1/alerts, "+prefix, took), nil
}

// postBesideCounters is postSteadily while others count without a pause.
func postBesideCounters(ctx context.Context, s *stage.Stage, r *report.Result, to, old calls.Destination) (calls.Timed, error) {
	counting, stop := context.WithCancel(ctx)
	defer stop()
	var (
		people sync.WaitGroup
		mu     sync.Mutex
		took   []time.Duration
		wrong  int
	)
	queries := countQueries(old)
	for n := range counters {
		people.Go(func() {
			for i := n; counting.Err() == nil; i++ {
				method, path, body := http.MethodPost, bulkPath, []byte(queries[i%len(queries)])
				if i%3 == 0 {
					method, path, body = http.MethodGet, "/api/v1/deliveries/counts", nil
				}
				d, err := s.API.Call(counting, method, path, body, nil)
				mu.Lock()
				if err == nil {
					took = append(took, d)
				} else if counting.Err() == nil {
					wrong++
				}
				mu.Unlock()
			}
		})
	}
	beside, err := postSteadily(ctx, s, "beside those who count", to, s.During(20*time.Second))
	stop()
	people.Wait()
	r.Fact("countsMade", float64(len(took)))
	r.Fact("countsRefused", float64(wrong))
	if len(took) > 0 {
		r.Calls = append(r.Calls, calls.NewTimed(fmt.Sprintf("a count, by %d at once", counters), took))
	}
	return beside, err
}
