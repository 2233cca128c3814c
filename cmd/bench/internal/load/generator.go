package load

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/process"
)

// Plan says what a bench load is to post.
type Plan struct {
	Shape
	Alerts      int
	Connections int     // closed loop
	Batch       int     // 0 is 1
	Rate        float64 // open loop
	Arrivals    string  // of an open loop; "" is Even
	Insist      bool
	Direct      []string // receivers' URLs instead of Belfry's
	InsertInto  string
	Trust       string // a file with the authority that receivers' certificates are of
}

// Generator is a running bench load.
type Generator struct {
	*process.Child
	out *bytes.Buffer
}

// Start starts a load on Belfry, or on what the load names.
func Start(c calls.Client, l Plan) (*Generator, error) {
	urls := []string{c.Base}
	if len(l.Direct) > 0 {
		urls = l.Direct
	}
	args := []string{
		"load", "--url", strings.Join(urls, ","), "--prefix", l.Prefix, "--alerts", strconv.Itoa(l.Alerts),
		"--connections", strconv.Itoa(max(l.Connections, 1)), "--batch", strconv.Itoa(max(l.Batch, 1)),
		"--rate", strconv.FormatFloat(l.Rate, 'f', -1, 64), "--arrivals", cmp.Or(l.Arrivals, Even),
		"--spread", strconv.Itoa(max(l.Spread, 1)), "--context-bytes", strconv.Itoa(l.ContextBytes),
	}
	if l.LogType != "" {
		args = append(args, "--log-type", l.LogType)
	}
	if l.Insist {
		args = append(args, "--insist")
	}
	if len(l.Direct) > 0 {
		args = append(args, "--direct")
	}
	if l.InsertInto != "" {
		args = append(args, "--insert-into", l.InsertInto)
	}
	cmd, err := process.Self(args...)
	if err != nil {
		return nil, err
	}
	g := &Generator{out: &bytes.Buffer{}}
	cmd.Stdout = g.out
	cmd.Env = append(cmd.Environ(), "BENCH_TOKEN="+c.Token)
	if l.Trust != "" {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+l.Trust)
	}
	if g.Child, err = process.Spawn(cmd); err != nil {
		return nil, err
	}
	return g, nil
}

// Wait returns what the load did, and the CPU time that took.
func (g *Generator) Wait(ctx context.Context) (Done, time.Duration, error) {
	var l Done
	select {
	case <-g.Ended:
	case <-ctx.Done():
		_ = g.Kill() // that we are to end matters more
		return l, 0, ctx.Err()
	}
	if g.Err != nil {
		return l, 0, fmt.Errorf("run load: %w", g.Err)
	}
	if err := json.Unmarshal(g.out.Bytes(), &l); err != nil {
		return l, 0, fmt.Errorf("read what the load did: %w", err)
	}
	return l, g.Spent(), nil
}

// All runs a load to its end.
func All(ctx context.Context, c calls.Client, l Plan) (Done, time.Duration, error) {
	g, err := Start(c, l)
	if err != nil {
		return Done{}, 0, err
	}
	return g.Wait(ctx)
}

// Accepted is how many alerts are Belfry's.
func (l Done) Accepted() int {
	n := 0
	for _, at := range l.Sent {
		if at >= 0 {
			n++
		}
	}
	return n
}

// ID is the alertId of alert i.
func (l Done) ID(i int) string { return Payloads{prefix: l.Prefix}.id(i) }

// SentAt is when an alert was to be sent, as Unix time in nanoseconds.
func (l Done) SentAt(i int) int64 { return l.Begun + l.Sent[i]*1000 }
