package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/database"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/process"
	"belfry/cmd/bench/internal/receive"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// limitSize is how many posts a limit is of: they are quick, and a moment in which
// the machine is busy with something else must not decide.
const limitSize = 60_000

// postLimit is L1: the payload posted straight to the receiver.
func postLimit(ctx context.Context, b *stage.Bench) (report.Result, error) {
	r, err := direct(ctx, b, load.Plan{Prefix: "post"}, 0)
	b.Limits.Post = r.PerSecond
	return r, err
}

// insertAgain is L2 after what was held against it. If the machine was not as
// quick as before, the ratios of this run say little.
func insertAgain(ctx context.Context, b *stage.Bench) (report.Result, error) {
	before := b.Limits.Insert
	r, err := insertLimit(ctx, b)
	b.Limits.Insert = before
	if err == nil && before > 0 {
		r.Checks = []report.Check{report.AtLeast("the slower L2 to the quicker one", min(before, r.PerSecond)/max(before, r.PerSecond), 0.8, "×")}
	}
	return r, err
}

// insertLimit is L2: each alert inserted into a plain table with a commit of its
// own, and then posted. A server that remembers what it owes can do no less.
func insertLimit(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	const name = "bench_insert"
	databaseURL, err := b.Cluster.Create(ctx, name)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.Cluster.Drop(context.WithoutCancel(ctx), name)) }()
	pool, err := database.OpenPool(ctx, databaseURL, 1)
	if err != nil {
		return r, err
	}
	_, err = pool.Exec(ctx, `CREATE TABLE plain (id uuid PRIMARY KEY, body text NOT NULL, at timestamptz NOT NULL DEFAULT now())`)
	pool.Close()
	if err != nil {
		return r, fmt.Errorf("create plain table: %w", err)
	}
	before, err := b.Cluster.CPU()
	if err != nil {
		return r, err
	}
	if r, err = direct(ctx, b, load.Plan{Prefix: "insert", InsertInto: databaseURL}, before); err != nil {
		return r, err
	}
	b.Limits.Insert = r.PerSecond
	return r, nil
}

// direct posts to a receiver without a Belfry between.
func direct(ctx context.Context, b *stage.Bench, l load.Plan, postgresBefore time.Duration) (r report.Result, err error) {
	to, err := receive.Start(1)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, to.Kill()) }()
	l.Alerts, l.Connections = b.Scaled(limitSize), connections
	l.Direct = "http://" + to.Addresses[0] + "/ok/1"
	done, loadTime, err := load.All(ctx, calls.Client{}, l)
	if err != nil {
		return r, err
	}
	r.Deliveries = l.Alerts
	r.PerSecond = float64(l.Alerts) / time.Duration(done.Ended-done.Begun).Seconds()
	before, after := measure.Meter{Postgres: postgresBefore}, measure.Meter{}
	if l.InsertInto != "" {
		if after.Postgres, err = b.Cluster.CPU(); err != nil {
			return r, err
		}
	}
	times, err := process.ReadTimes(to.PID())
	if err != nil {
		return r, err
	}
	after.Receiver = times.Own
	r.CPU = measure.Each(before, after, loadTime, l.Alerts)
	came, err := to.Arrivals(ctx, "/ok/1")
	if err != nil {
		return r, err
	}
	h := measure.NewHistogram()
	found := audit.Compare(done, came, nil, time.Now(), func(_ int, d time.Duration) { measure.Record(h, d) })
	q := measure.QuantilesOf(h)
	r.Audit, r.Latency, r.Errors = &found, &q, done.Errors
	return r, nil
}
