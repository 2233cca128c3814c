package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	countedAlerts = 400_000 // with 800,000 deliveries
	counters      = 24
	countEvery    = 20 * time.Millisecond // between two posts
)

// counted asks whether people who count, all at once, keep producers waiting, and
// how long a count takes by itself.
func counted(ctx context.Context, b *bench) (r result, err error) {
	s, err := b.build(ctx, "counting", 8)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	to, err := s.healthy(ctx)
	if err != nil {
		return r, err
	}
	old := to
	for n := 2; n < 8; n++ {
		if old, err = s.destination(ctx, "ok", n); err != nil {
			return r, err
		}
	}
	if err := seed(ctx, s.database, b.scaled(countedAlerts), seedDays, b.progress); err != nil {
		return r, err
	}
	if err := b.cluster.checkpoint(ctx); err != nil {
		return r, err
	}
	slowest := 0.0
	for _, q := range countQueries(old) {
		call, err := s.api.timePosts(ctx, "POST "+bulkPath+" "+q, bulkPath, q)
		if err != nil {
			return r, err
		}
		r.Calls, slowest = append(r.Calls, call), max(slowest, call.P95)
	}
	alone, err := s.postSteadily(ctx, "alone", to, b.during(20*time.Second))
	if err != nil {
		return r, err
	}
	beside, err := s.postBesideCounters(ctx, &r, to, old)
	if err != nil {
		return r, err
	}
	r.Calls = append(r.Calls, alone, beside)
	slices.SortFunc(r.Calls, func(a, b timedCall) int { return cmp.Compare(b.P95, a.P95) })
	r.fact("postAloneP95Ms", alone.P95)
	r.fact("postBesideCountersP95Ms", beside.P95)
	r.Checks = []check{
		atMost("p95 of the slowest dry run, by itself,", slowest, 100, "ms"),
		timesBase(fmt.Sprintf("p95 of POST /api/v1/alerts beside %d who count", counters), beside.P95, alone.P95, 2),
	}
	return r, nil
}

const bulkPath = "/api/v1/bulk-resends"

// countQueries are dry runs that an index answers.
func countQueries(old destination) []string {
	return []string{
		`{"dryRun":true,"filter":{"status":["failed"]}}`,
		`{"dryRun":true,"filter":{"status":["failed","cancelled"]}}`,
		`{"dryRun":true,"filter":{"status":["failed"],"destinationId":["` + old.ID + `"]}}`,
		`{"dryRun":true,"again":true,"filter":{"status":["failed","delivered"]}}`,
	}
}

// timePosts makes a call a number of times, one at a time.
func (c client) timePosts(ctx context.Context, what, path, body string) (timedCall, error) {
	var took []time.Duration
	for range callTimes {
		d, err := c.call(ctx, http.MethodPost, path, []byte(body), nil)
		if err != nil {
			return timedCall{}, err
		}
		took = append(took, d)
	}
	return newTimedCall(what, took), nil
}

// postSteadily posts alerts to a destination for so long, and times each post.
func (s *stage) postSteadily(ctx context.Context, prefix string, to destination, length time.Duration) (timedCall, error) {
	alerts := newPayloads(prefix, to.LogType)
	every := time.NewTicker(countEvery)
	defer every.Stop()
	var took []time.Duration
	for began := time.Now(); time.Since(began) < length; {
		d, err := s.api.call(ctx, http.MethodPost, "/api/v1/alerts", []byte(alerts.one(len(took))), nil)
		if err != nil {
			return timedCall{}, err
		}
		took = append(took, d)
		select {
		case <-every.C:
		case <-ctx.Done():
			return timedCall{}, ctx.Err()
		}
	}
	return newTimedCall("POST /api/v1/alerts, "+prefix, took), nil
}

// postBesideCounters is postSteadily while others count without a pause.
func (s *stage) postBesideCounters(ctx context.Context, r *result, to, old destination) (timedCall, error) {
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
				d, err := s.api.call(counting, method, path, body, nil)
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
	beside, err := s.postSteadily(ctx, "beside those who count", to, s.during(20*time.Second))
	stop()
	people.Wait()
	r.fact("countsMade", float64(len(took)))
	r.fact("countsRefused", float64(wrong))
	if len(took) > 0 {
		r.Calls = append(r.Calls, newTimedCall(fmt.Sprintf("a count, by %d at once", counters), took))
	}
	return beside, err
}
