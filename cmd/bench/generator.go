package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// load says what a bench load is to post.
type load struct {
	prefix      string
	logType     string
	alerts      int
	connections int     // closed loop
	batch       int     // 0 is 1
	rate        float64 // open loop
	insist      bool
	direct      string // a receiver's URL instead of Belfry's
	insertInto  string
}

// generator is a running bench load.
type generator struct {
	*child
	out *bytes.Buffer
}

// generate starts a load on Belfry, or on what the load names.
func generate(c client, l load) (*generator, error) {
	url := c.base
	if l.direct != "" {
		url = l.direct
	}
	args := []string{
		"load", "--url", url, "--prefix", l.prefix, "--alerts", strconv.Itoa(l.alerts),
		"--connections", strconv.Itoa(max(l.connections, 1)), "--batch", strconv.Itoa(max(l.batch, 1)),
		"--rate", strconv.FormatFloat(l.rate, 'f', -1, 64),
	}
	if l.logType != "" {
		args = append(args, "--log-type", l.logType)
	}
	if l.insist {
		args = append(args, "--insist")
	}
	if l.direct != "" {
		args = append(args, "--direct")
	}
	if l.insertInto != "" {
		args = append(args, "--insert-into", l.insertInto)
	}
	cmd, err := self(args...)
	if err != nil {
		return nil, err
	}
	g := &generator{out: &bytes.Buffer{}}
	cmd.Stdout = g.out
	cmd.Env = append(cmd.Environ(), "BENCH_TOKEN="+c.token)
	if g.child, err = spawn(cmd); err != nil {
		return nil, err
	}
	return g, nil
}

// wait returns what the load did, and the CPU time that took.
func (g *generator) wait(ctx context.Context) (loaded, time.Duration, error) {
	var l loaded
	select {
	case <-g.ended:
	case <-ctx.Done():
		_ = g.kill() // that we are to end matters more
		return l, 0, ctx.Err()
	}
	if g.err != nil {
		return l, 0, fmt.Errorf("run load: %w", g.err)
	}
	if err := json.Unmarshal(g.out.Bytes(), &l); err != nil {
		return l, 0, fmt.Errorf("read what the load did: %w", err)
	}
	return l, g.spent(), nil
}

// loadAll runs a load to its end.
func loadAll(ctx context.Context, c client, l load) (loaded, time.Duration, error) {
	g, err := generate(c, l)
	if err != nil {
		return loaded{}, 0, err
	}
	return g.wait(ctx)
}

// accepted is how many alerts are Belfry's.
func (l loaded) accepted() int {
	n := 0
	for _, at := range l.Sent {
		if at >= 0 {
			n++
		}
	}
	return n
}

func (l loaded) id(i int) string { return payloads{prefix: l.Prefix}.id(i) }

// sentAt is when an alert was to be sent, as Unix time in nanoseconds.
func (l loaded) sentAt(i int) int64 { return l.Begun + l.Sent[i]*1000 }
