// Package load posts alerts, in a process of its own: the producer of a run.
package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/process"
)

// Command is the producer. It prints a Done as JSON when it is done.
type Command struct {
	URL          []string `help:"Where to post: Belfry, or with --direct the paths of receivers, each of which gets every alert." required:"" placeholder:"URL"`
	Token        string   `help:"Belfry's token." env:"BENCH_TOKEN"`
	Prefix       string   `help:"Begins every alertId." default:"load"`
	LogType      string   `help:"The alerts' log type, by which they are routed." default:"Bench.1"`
	Spread       int      `help:"Number the log type from 0 to one less than this, in turns: each alert goes to one of so many destinations." default:"1"`
	ContextBytes int      `help:"About the size of each alert's context; 0 is a hundred bytes." default:"0"`
	Alerts       int      `help:"How many alerts." default:"1000"`
	Connections  int      `help:"How many post at once, each the next when the one before is answered." default:"64"`
	Batch        int      `help:"Alerts in one call." default:"1"`
	Rate         float64  `help:"Open loop: calls a second, whether or not those before are answered; 0 for a closed loop." default:"0"`
	Arrivals     string   `help:"How the calls of an open loop follow each other." enum:"even,poisson" default:"even"`
	Insist       bool     `help:"Repeat until accepted."`
	Direct       bool     `help:"Post the payload as it is, straight to receivers."`
	InsertInto   string   `help:"Database to insert each alert into, with a commit of its own, before it is posted." placeholder:"URL"`
}

// Done is what a load did.
type Done struct {
	Prefix   string            `json:"prefix"`
	Begun    int64             `json:"begun"`  // Unix time in nanoseconds
	Ended    int64             `json:"ended"`  // when the last call was answered
	Sent     []int64           `json:"sent"`   // when each alert was to be sent, µs after Begun; -1: not accepted
	Errors   map[string]int    `json:"errors"` // other answers, and how often
	Answered measure.Quantiles `json:"answered"`
}

// loader posts alerts.
type loader struct {
	Command
	payloads Payloads
	http     http.Client
	pool     *pgxpool.Pool // for InsertInto

	mu      sync.Mutex
	done    Done
	answers *hdrhistogram.Histogram
}

// insertConnections is how many connections an InsertInto uses at most.
const insertConnections = 64

// Run posts and reports.
func (c *Command) Run(ctx context.Context, to process.Streams) error {
	idle := c.Connections
	if c.Rate > 0 {
		idle = 512 // as many as a stall makes wait
	}
	l := &loader{
		Command: *c, answers: measure.NewHistogram(),
		payloads: NewPayloads(Shape{Prefix: c.Prefix, LogType: c.LogType, Spread: c.Spread, ContextBytes: c.ContextBytes}),
		http: http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: idle, DisableCompression: true, ForceAttemptHTTP2: true},
			Timeout:   time.Minute,
		},
		done: Done{Prefix: c.Prefix, Sent: make([]int64, c.Alerts), Errors: map[string]int{}},
	}
	for i := range l.done.Sent {
		l.done.Sent[i] = -1
	}
	if c.InsertInto != "" {
		pool, err := openFull(ctx, c.InsertInto, min(c.Connections, insertConnections))
		if err != nil {
			return err
		}
		defer pool.Close()
		l.pool = pool
	}
	if c.Rate > 0 {
		l.open(ctx)
	} else {
		l.closed(ctx)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("load %s: %w", c.Prefix, ctx.Err())
	}
	l.done.Answered = measure.QuantilesOf(l.answers)
	return json.NewEncoder(to.Out).Encode(l.done)
}

// closed posts with so many connections, each as soon as it is answered.
func (l *loader) closed(ctx context.Context) {
	var (
		posting sync.WaitGroup
		next    int
	)
	l.done.Begun = time.Now().UnixNano()
	for range l.Connections {
		posting.Go(func() {
			for ctx.Err() == nil {
				l.mu.Lock()
				first := next
				next += l.Batch
				l.mu.Unlock()
				if first >= l.Alerts {
					return
				}
				l.send(ctx, first, time.Now())
			}
		})
	}
	posting.Wait()
	l.done.Ended = time.Now().UnixNano()
}

// lead is how long before its first call an open loop takes its time, so that
// that one is not late either.
const lead = 50 * time.Millisecond

// open posts at a fixed rate. What is late, for whatever reason, is late since it
// was to be sent: a stall of the server is not hidden by our waiting for it.
func (l *loader) open(ctx context.Context) {
	var posting sync.WaitGroup
	begun := time.Now().Add(lead)
	l.done.Begun = begun.UnixNano()
	due := newSchedule(l.Arrivals, l.Rate)
	for first := 0; first < l.Alerts && ctx.Err() == nil; first += l.Batch {
		intended := begun.Add(due.next())
		if early := time.Until(intended); early > 0 {
			sleep(early)
		}
		posting.Go(func() { l.send(ctx, first, intended) })
	}
	posting.Wait()
	l.done.Ended = time.Now().UnixNano()
}

// insistPause is between two tries of what was not accepted.
const insistPause = 50 * time.Millisecond

// send posts one call and notes what came of it.
func (l *loader) send(ctx context.Context, first int, intended time.Time) {
	n := min(l.Batch, l.Alerts-first)
	for {
		accepted, err := l.post(ctx, first, n)
		l.note(first, accepted, intended, err)
		if err == nil || !l.Insist || ctx.Err() != nil {
			return
		}
		sleep(insistPause)
	}
}

func (l *loader) note(first int, accepted []bool, intended time.Time, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, yes := range accepted {
		if yes {
			l.done.Sent[first+i] = (intended.UnixNano() - l.done.Begun) / 1000
		}
	}
	if err != nil {
		l.done.Errors[err.Error()]++
		return
	}
	measure.Record(l.answers, now.Sub(intended))
}
