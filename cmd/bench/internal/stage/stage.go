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
	Database string // connection string
	Pool     *pgxpool.Pool
	Receiver *receive.Receiver
	Belfry   *Server
	address  string
	API      calls.Client
}

// Build makes a stage. Listeners are how many hosts the receiver is to Belfry.
func (b *Bench) Build(ctx context.Context, name string, listeners int) (s *Stage, err error) {
	s = &Stage{Bench: b, name: "bench_" + name}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.Database, err = b.Cluster.Create(ctx, s.name); err != nil {
		return s, err
	}
	if _, err := b.BelfryOnce(ctx, []string{"DATABASE_URL=" + s.Database}, "migrate", "up"); err != nil {
		return s, err
	}
	if s.Pool, err = database.OpenPool(ctx, s.Database, 2); err != nil {
		return s, err
	}
	if s.Receiver, err = receive.Start(listeners); err != nil {
		return s, err
	}
	if s.address, err = freeAddress(); err != nil {
		return s, err
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
		errs = append(errs, s.Belfry.Stop())
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
	// The scenario's time may be over; its database is to go all the same.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs = append(errs, s.Cluster.Drop(ctx, s.name))
	return errors.Join(errs...)
}

// Destination makes the n-th destination of a stage, which receives on a port of
// its own. Kind is what its path says: "ok", "hang" or "slow/10000".
func (s *Stage) Destination(ctx context.Context, kind string, n int) (calls.Destination, error) {
	return s.DestinationFor(ctx, kind, n, fmt.Sprintf("Bench.%d", n))
}

// DestinationFor is Destination for alerts of a log type.
func (s *Stage) DestinationFor(ctx context.Context, kind string, n int, logType string) (calls.Destination, error) {
	d := calls.Destination{LogType: logType, Path: fmt.Sprintf("/%s/%d", kind, n)}
	var err error
	d.ID, err = s.API.NewDestination(ctx, fmt.Sprintf("Destination %d", n), logType, "http://"+s.Receiver.Addresses[n]+d.Path)
	return d, err
}

// WarmAlerts is how many alerts warm posts.
const WarmAlerts = 500

// Warm has Belfry do a little of everything, so that connections, plans and code
// are there before anything is measured.
func (s *Stage) Warm(ctx context.Context, to calls.Destination) error {
	l := load.Plan{Prefix: "warm", LogType: to.LogType, Alerts: WarmAlerts, Connections: 16}
	if _, _, err := load.All(ctx, s.API, l); err != nil {
		return err
	}
	_, err := s.Settle(ctx, Patience)
	return err
}

// Patience is how long a scenario waits for what should be done at once.
const Patience = 2 * time.Minute

// AwaitCount waits until the receiver has got so many more requests at each path.
func (s *Stage) AwaitCount(ctx context.Context, more map[string]int, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for path, n := range more {
		for {
			got, err := s.Receiver.Count(ctx, path)
			if err != nil {
				return err
			}
			if got >= n {
				break
			}
			if err := Pause(ctx, 50*time.Millisecond); err != nil {
				return fmt.Errorf("wait for %d requests at %s, of which %d came: %w", n, path, got, err)
			}
		}
	}
	return nil
}

// Settle waits until no delivery is open, and returns when that was first seen:
// then the last answer is recorded. It asks often; call it near the end.
func (s *Stage) Settle(ctx context.Context, within time.Duration) (time.Time, error) {
	const query = `
		SELECT EXISTS (SELECT FROM deliveries WHERE status IN ('queued', 'retrying'))
		    OR EXISTS (SELECT FROM deliveries WHERE status = 'held')`
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		var open bool
		if err := s.Pool.QueryRow(ctx, query).Scan(&open); err != nil {
			return time.Time{}, fmt.Errorf("look for open deliveries: %w", err)
		}
		if !open {
			return time.Now(), nil
		}
		if err := Pause(ctx, 10*time.Millisecond); err != nil {
			return time.Time{}, fmt.Errorf("wait until no delivery is open: %w", err)
		}
	}
}

// Pause waits, or returns early with an error when ctx ends.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
