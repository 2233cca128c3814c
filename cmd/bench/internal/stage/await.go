package stage

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Patience is how long a scenario waits for what should be done at once.
const Patience = 2 * time.Minute

// AwaitCount waits until the receiver has got so many requests at a path, or with
// "" at all of them.
func (s *Stage) AwaitCount(ctx context.Context, path string, n int, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for began := time.Now(); ; {
		got, err := s.Receiver.Count(ctx, path)
		if err != nil {
			return err
		}
		if got >= n {
			return nil
		}
		if err := Pause(ctx, between(time.Since(began)/50, 5*time.Millisecond, 50*time.Millisecond)); err != nil {
			return fmt.Errorf("wait for %d requests at %q, of which %d came: %w", n, path, got, err)
		}
	}
}

// Settle waits until no delivery of this stage is open, and returns when that was
// first seen: then the last answer is recorded. It asks often; call it near the
// end. Old deliveries of a past are left out by their ids, which begin with the
// time, so that the question is cheap with any index that begins with the status
// or the id.
func (s *Stage) Settle(ctx context.Context, within time.Duration) (time.Time, error) {
	const query = `
		SELECT EXISTS (SELECT FROM deliveries WHERE status IN ('queued', 'retrying') AND id >= $1)
		    OR EXISTS (SELECT FROM deliveries WHERE status = 'held' AND id >= $1)`
	from := firstID(s.began)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for began := time.Now(); ; {
		var open bool
		if err := s.Pool.QueryRow(ctx, query, from).Scan(&open); err != nil {
			return time.Time{}, fmt.Errorf("look for open deliveries: %w", err)
		}
		if !open {
			return time.Now(), nil
		}
		if err := Pause(ctx, between(time.Since(began)/5, 2*time.Millisecond, 10*time.Millisecond)); err != nil {
			return time.Time{}, fmt.Errorf("wait until no delivery is open: %w", err)
		}
	}
}

// firstID is less than each UUIDv7 that is made from a time on.
func firstID(at time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(at.Add(-time.Second).UnixMilli())<<16)
	return id
}

// between keeps how long to wait before looking again within bounds: what takes a
// quarter of a second is to be seen more exactly than what takes ten.
func between(d, least, most time.Duration) time.Duration { return max(least, min(d, most)) }

// Pause waits, or returns early with an error when ctx ends.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
