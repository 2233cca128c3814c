package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// limits are what this machine can do at most, in the same run: deliveries a
// second, 0 where not measured.
type limits struct {
	post, insert, river float64
}

// limitSize is how many posts a limit is of: they are quick, and a moment in which
// the machine is busy with something else must not decide.
const limitSize = 60_000

// postLimit is L1: the payload posted straight to the receiver.
func postLimit(ctx context.Context, b *bench) (result, error) {
	r, err := b.direct(ctx, load{prefix: "post"}, 0)
	b.limits.post = r.PerSecond
	return r, err
}

// insertAgain is L2 after what was held against it. If the machine was not as
// quick as before, the ratios of this run say little.
func insertAgain(ctx context.Context, b *bench) (result, error) {
	before := b.limits.insert
	r, err := insertLimit(ctx, b)
	b.limits.insert = before
	if err == nil && before > 0 {
		r.Checks = []check{atLeast("the slower L2 to the quicker one", min(before, r.PerSecond)/max(before, r.PerSecond), 0.8, "×")}
	}
	return r, err
}

// insertLimit is L2: each alert inserted into a plain table with a commit of its
// own, and then posted. A server that remembers what it owes can do no less.
func insertLimit(ctx context.Context, b *bench) (r result, err error) {
	const name = "bench_insert"
	database, err := b.cluster.create(ctx, name)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.cluster.drop(context.WithoutCancel(ctx), name)) }()
	pool, err := openPool(ctx, database, 1)
	if err != nil {
		return r, err
	}
	_, err = pool.Exec(ctx, `CREATE TABLE plain (id uuid PRIMARY KEY, body text NOT NULL, at timestamptz NOT NULL DEFAULT now())`)
	pool.Close()
	if err != nil {
		return r, fmt.Errorf("create plain table: %w", err)
	}
	before, err := b.cluster.cpu()
	if err != nil {
		return r, err
	}
	if r, err = b.direct(ctx, load{prefix: "insert", insertInto: database}, before); err != nil {
		return r, err
	}
	b.limits.insert = r.PerSecond
	return r, nil
}

// direct posts to a receiver without a Belfry between.
func (b *bench) direct(ctx context.Context, l load, postgresBefore time.Duration) (r result, err error) {
	to, err := startReceiver(1)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, to.kill()) }()
	l.alerts, l.connections = b.scaled(limitSize), connections
	l.direct = "http://" + to.addresses[0] + "/ok/1"
	done, loadTime, err := loadAll(ctx, client{}, l)
	if err != nil {
		return r, err
	}
	r.Deliveries = l.alerts
	r.PerSecond = float64(l.alerts) / time.Duration(done.Ended-done.Begun).Seconds()
	before, after := meter{postgres: postgresBefore}, meter{}
	if l.insertInto != "" {
		if after.postgres, err = b.cluster.cpu(); err != nil {
			return r, err
		}
	}
	times, err := readTimes(to.pid())
	if err != nil {
		return r, err
	}
	after.receiver = times.own
	r.CPU = each(before, after, loadTime, l.alerts)
	came, err := to.arrivals(ctx, "/ok/1")
	if err != nil {
		return r, err
	}
	h := newHistogram()
	found := compare(done, came, nil, time.Now(), func(_ int, d time.Duration) { record(h, d) })
	q := quantilesOf(h)
	r.Audit, r.Latency, r.Errors = &found, &q, done.Errors
	return r, nil
}
