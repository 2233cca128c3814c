package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// stage is what one scenario is played on: a database of its own, a Belfry on it
// and a receiver.
type stage struct {
	*bench
	name     string
	database string // connection string
	pool     *pgxpool.Pool
	receiver *receiver
	belfry   *belfry
	address  string
	api      client
}

// build makes a stage. Listeners are how many hosts the receiver is to Belfry.
func (b *bench) build(ctx context.Context, name string, listeners int) (s *stage, err error) {
	s = &stage{bench: b, name: "bench_" + name}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.database, err = b.cluster.create(ctx, s.name); err != nil {
		return s, err
	}
	if _, err := b.belfryOnce(ctx, []string{"DATABASE_URL=" + s.database}, "migrate", "up"); err != nil {
		return s, err
	}
	if s.pool, err = openPool(ctx, s.database, 2); err != nil {
		return s, err
	}
	if s.receiver, err = startReceiver(listeners); err != nil {
		return s, err
	}
	if s.address, err = freeAddress(); err != nil {
		return s, err
	}
	s.api = client{base: "http://" + s.address, token: b.token}
	return s, s.start(ctx)
}

// start starts Belfry, or starts it again where it was.
func (s *stage) start(ctx context.Context) (err error) {
	s.belfry, err = s.serve(ctx, s.database, s.address)
	return err
}

// close ends and removes all of it.
func (s *stage) close() error {
	var errs []error
	if s.belfry != nil {
		errs = append(errs, s.belfry.stop())
		if n := s.belfry.complaints(); n > 0 {
			fmt.Fprintf(s.progress, "%s: belfry logged %d lines, the last:\n%s", s.name, n, s.belfry.lastWords(3))
		}
	}
	if s.receiver != nil {
		errs = append(errs, s.receiver.kill())
	}
	if s.pool != nil {
		s.pool.Close()
	}
	// The scenario's time may be over; its database is to go all the same.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs = append(errs, s.cluster.drop(ctx, s.name))
	return errors.Join(errs...)
}

// destination makes the n-th destination of a stage, which receives on a port of
// its own. Kind is what its path says: "ok", "hang" or "slow/10000".
func (s *stage) destination(ctx context.Context, kind string, n int) (destination, error) {
	return s.destinationFor(ctx, kind, n, fmt.Sprintf("Bench.%d", n))
}

func (s *stage) destinationFor(ctx context.Context, kind string, n int, logType string) (destination, error) {
	d := destination{LogType: logType, Path: fmt.Sprintf("/%s/%d", kind, n)}
	var err error
	d.ID, err = s.api.newDestination(ctx, fmt.Sprintf("Destination %d", n), logType, "http://"+s.receiver.addresses[n]+d.Path)
	return d, err
}

// warmAlerts is how many alerts warm posts.
const warmAlerts = 500

// warm has Belfry do a little of everything, so that connections, plans and code
// are there before anything is measured.
func (s *stage) warm(ctx context.Context, to destination) error {
	l := load{prefix: "warm", logType: to.LogType, alerts: warmAlerts, connections: 16}
	if _, _, err := loadAll(ctx, s.api, l); err != nil {
		return err
	}
	_, err := s.settle(ctx, patience)
	return err
}

// patience is how long a scenario waits for what should be done at once.
const patience = 2 * time.Minute

// awaitCount waits until the receiver has got so many more requests at each path.
func (s *stage) awaitCount(ctx context.Context, more map[string]int, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for path, n := range more {
		for {
			got, err := s.receiver.count(ctx, path)
			if err != nil {
				return err
			}
			if got >= n {
				break
			}
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return fmt.Errorf("wait for %d requests at %s, of which %d came: %w", n, path, got, err)
			}
		}
	}
	return nil
}

// settle waits until no delivery is open, and returns when that was first seen:
// then the last answer is recorded. It asks often; call it near the end.
func (s *stage) settle(ctx context.Context, within time.Duration) (time.Time, error) {
	const query = `
		SELECT EXISTS (SELECT FROM deliveries WHERE status IN ('queued', 'retrying'))
		    OR EXISTS (SELECT FROM deliveries WHERE status = 'held')`
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		var open bool
		if err := s.pool.QueryRow(ctx, query).Scan(&open); err != nil {
			return time.Time{}, fmt.Errorf("look for open deliveries: %w", err)
		}
		if !open {
			return time.Now(), nil
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return time.Time{}, fmt.Errorf("wait until no delivery is open: %w", err)
		}
	}
}

// pause waits, or returns early with an error when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
