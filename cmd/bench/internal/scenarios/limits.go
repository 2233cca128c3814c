package scenarios

import (
	"cmp"
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

// limit is what this machine can do at most without a server between: a server
// that remembers what it owes can do no less than insert, commit and post.
type limit struct {
	name         string
	alerts       int
	insert       bool   // each alert into a plain table, with a commit of its own, before it is posted
	hosts        int    // each alert is posted to so many; 0 is 1
	secure       bool   // over TLS
	http2        bool   // if secure
	kind         string // of receiver; "" is ok
	connections  int    // 0 is connections
	contextBytes int
}

var limits = []limit{
	{name: "L1", alerts: 30_000},
	{name: "L2", alerts: 20_000, insert: true},
	{name: "L2 TLS HTTP/1.1", alerts: 10_000, insert: true, secure: true},
	{name: "L2 TLS HTTP/2", alerts: 10_000, insert: true, secure: true, http2: true},
	{name: "L2 to ten", alerts: 3_000, insert: true, hosts: fanWidth},
	{name: "L2 64 kB", alerts: 4_000, insert: true, contextBytes: 64 << 10},
	{name: "L2 200 ms", alerts: 4_000, insert: true, kind: "slow/200", connections: workers},
}

// workers is how many attempts a Belfry has in flight at most, as shipped.
const workers = 256

func (l limit) run(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	plan := load.Plan{
		Shape: load.Shape{Prefix: "limit", ContextBytes: l.contextBytes}, Alerts: b.Scaled(l.alerts),
		Connections: cmp.Or(l.connections, connections), Trust: b.Identity.Authority,
	}
	before := measure.Meter{}
	if l.insert {
		const name = "bench_limit"
		if plan.InsertInto, err = plainTable(ctx, b, name); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, b.Cluster.Drop(context.WithoutCancel(ctx), name)) }()
		if before.Postgres, err = b.Cluster.CPU(); err != nil {
			return r, err
		}
	}
	to, err := receive.Start(max(l.hosts, 1), b.Identity)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, to.Kill()) }()
	var paths []string
	for n := range max(l.hosts, 1) {
		path := fmt.Sprintf("/%s/%d", cmp.Or(l.kind, "ok"), n)
		paths, plan.Direct = append(paths, path), append(plan.Direct, l.host(to, n)+path)
	}
	done, producer, err := load.All(ctx, calls.Client{}, plan)
	if err != nil {
		return r, err
	}
	r.Deliveries, r.Errors = plan.Alerts*len(paths), done.Errors
	r.PerSecond = float64(r.Deliveries) / time.Duration(done.Ended-done.Begun).Seconds()
	after := measure.Meter{}
	if l.insert {
		if after.Postgres, err = b.Cluster.CPU(); err != nil {
			return r, err
		}
	}
	times, err := process.ReadTimes(to.PID())
	if err != nil {
		return r, err
	}
	after.Receiver = times.Own
	r.CPU = measure.Each(before, after, producer, r.Deliveries)
	return r, auditDirect(ctx, to, &r, done, paths)
}

func (l limit) host(to *receive.Receiver, n int) string {
	switch {
	case l.secure && l.http2:
		return "https://" + to.Addresses.HTTP2
	case l.secure:
		return "https://" + to.Addresses.HTTP1
	}
	return "http://" + to.Addresses.Plain[n]
}

// auditDirect audits what was posted without a Belfry between.
func auditDirect(ctx context.Context, to *receive.Receiver, r *report.Result, done load.Done, paths []string) error {
	h := measure.NewHistogram()
	r.Audit = &audit.Found{}
	for _, path := range paths {
		came, err := to.Arrivals(ctx, path)
		if err != nil {
			return err
		}
		r.Audit.Add(audit.Compare(done, came, nil, time.Now(), func(_ int, d time.Duration) { measure.Record(h, d) }))
	}
	q := measure.QuantilesOf(h)
	r.Latency = &q
	return nil
}

// plainTable makes a database with a table to insert alerts into.
func plainTable(ctx context.Context, b *stage.Bench, name string) (string, error) {
	url, err := b.Cluster.Create(ctx, name, "")
	if err != nil {
		return "", err
	}
	pool, err := database.OpenPool(ctx, url, 1)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, `CREATE TABLE plain (id uuid PRIMARY KEY, body text NOT NULL, at timestamptz NOT NULL DEFAULT now())`); err != nil {
		return "", fmt.Errorf("create plain table: %w", err)
	}
	return url, nil
}
