package api

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maxCounting is how many calls of a kind count at a time. Each keeps a core of the
	// database busy for a while, and calls with alerts need that core too.
	maxCounting = 1

	countWait = 5 * time.Second
)

// errCounting is returned to a caller that waited too long to count.
var errCounting = errors.New("too many calls count")

// semaphore bounds how many calls that read more than a page of a list run at a time.
type semaphore chan struct{}

// acquire waits for a place, which the caller has until it calls done.
func (s semaphore) acquire(ctx context.Context) (done func(), err error) {
	soon, cancel := context.WithTimeout(ctx, countWait)
	defer cancel()
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-soon.Done():
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("wait to count: %w", err)
		}
		return nil, errCounting
	}
}
