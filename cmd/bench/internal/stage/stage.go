// Package stage is what a scenario is played on: a database of its own, a Belfry on it
// and a receiver.
package stage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/database"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/receive"
)

// Stage is what one scenario is played on: a database of its own, a Belfry on it
// and a receiver.
type Stage struct {
	*Bench
	name     string
	keep     bool // the database
	began    time.Time
	Database string // connection string
	Pool     *pgxpool.Pool
	Receiver *receive.Receiver
	Belfry   *Server
	address  string
	API      calls.Client
}

// Build makes a stage. Listeners are how many hosts the receiver is to Belfry.
func (b *Bench) Build(ctx context.Context, name string, listeners int) (*Stage, error) {
	s := &Stage{Bench: b, name: "bench_" + name}
	var err error
	if s.Database, err = b.create(ctx, s.name); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return b.buildOn(ctx, s, listeners)
}

// buildOn makes the rest of a stage that has its database.
func (b *Bench) buildOn(ctx context.Context, s *Stage, listeners int) (_ *Stage, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.began = time.Now()
	if s.Pool, err = database.OpenPool(ctx, s.Database, 2); err != nil {
		return nil, err
	}
	if s.Receiver, err = receive.Start(listeners, b.Identity); err != nil {
		return nil, err
	}
	if s.address, err = freeAddress(); err != nil {
		return nil, err
	}
	s.API = calls.Client{Base: "http://" + s.address, Token: b.token}
	return s, s.Start(ctx)
}

// Start starts Belfry, or starts it again where it was.
func (s *Stage) Start(ctx context.Context) (err error) {
	s.Belfry, err = s.serve(ctx, s.Database, s.address)
	return err
}

// Close ends and removes all of it.
func (s *Stage) Close() error {
	var errs []error
	if s.Belfry != nil {
		errs = append(errs, s.Belfry.StopWithin(stopWithin))
		if n := s.Belfry.complaints(); n > 0 {
			fmt.Fprintf(s.Progress, "%s: belfry logged %d lines, the last:\n%s", s.name, n, s.Belfry.lastWords(3))
		}
	}
	if s.Receiver != nil {
		errs = append(errs, s.Receiver.Kill())
	}
	if s.Pool != nil {
		s.Pool.Close()
	}
	if s.keep {
		return errors.Join(errs...)
	}
	// The scenario's time may be over; its database is to go all the same.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs = append(errs, s.Cluster.Drop(ctx, s.name))
	return errors.Join(errs...)
}

// stopWithin is how long a Belfry that is no longer needed may take to stop. With a
// receiver that never answers it would wait for its attempts to end.
const stopWithin = time.Second

// Host is the n-th host of the receiver, from 0.
func (s *Stage) Host(n int) string { return "http://" + s.Receiver.Addresses.Plain[n] }

// Secure is the receiver with TLS, which speaks HTTP/1.1 or HTTP/2 only.
func (s *Stage) Secure(http2 bool) string {
	if http2 {
		return "https://" + s.Receiver.Addresses.HTTP2
	}
	return "https://" + s.Receiver.Addresses.HTTP1
}

// Destination makes the n-th destination of a stage, which receives on a port of
// its own. Kind is what its path says: "ok", "hang" or "slow/10000".
func (s *Stage) Destination(ctx context.Context, kind string, n int) (calls.Destination, error) {
	return s.Make(ctx, s.Host(n), kind, n, s.Tagged(fmt.Sprintf("Bench.%d", n)))
}

// Make makes destination n at a host for alerts of a log type.
func (s *Stage) Make(ctx context.Context, host, kind string, n int, logType string) (calls.Destination, error) {
	d := calls.Destination{LogType: logType, Path: fmt.Sprintf("/%s/%d", kind, n)}
	var err error
	d.ID, err = s.API.NewDestination(ctx, s.Tagged(fmt.Sprintf("Destination %d", n)), logType, host+d.Path)
	return d, err
}

// Tagged makes a name that is new in this round. On a database that is kept, what
// was named so before is still there: an alertId would be a repeat, and alerts of a
// log type would go to the destination of before too.
func (s *Stage) Tagged(name string) string {
	if !s.keep {
		return name
	}
	return fmt.Sprintf("%s.round%d", name, s.Round)
}

// WarmAlerts is how many alerts warm posts.
const WarmAlerts = 500

// Warm has Belfry do a little of everything, so that connections, plans and code
// are there before anything is measured.
func (s *Stage) Warm(ctx context.Context, to calls.Destination) error {
	l := load.Plan{Shape: load.Shape{Prefix: s.Tagged("warm"), LogType: to.LogType}, Alerts: WarmAlerts, Connections: 16}
	if _, _, err := load.All(ctx, s.API, l); err != nil {
		return err
	}
	_, err := s.Settle(ctx, Patience)
	return err
}
