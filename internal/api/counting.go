package api

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maxCounting is how many calls of a kind count at a time. Each keeps a core of
	// the database's busy for a while, which those with alerts have to share.
	maxCounting = 1

	countWait = 5 * time.Second
)

// errCounting is returned to a caller whose turn to count does not come.
var errCounting = errors.New("too many calls count")

// counting gives turns to calls that read much: more than a page of a list.
type counting chan struct{}

// take waits for a turn, which lasts until done is called.
func (c counting) take(ctx context.Context) (done func(), err error) {
	soon, cancel := context.WithTimeout(ctx, countWait)
	defer cancel()
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-soon.Done():
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("wait for a turn to count: %w", err)
		}
		return nil, errCounting
	}
}
