package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belfry/internal/postgres"
)

const (
	// maxAsking is how many of the dispatcher's connections people may have at a
	// time. Each may wait for a row that somebody else has locked.
	maxAsking = 3

	// askWait is how long a person waits for one.
	askWait = 5 * time.Second
)

// ErrCrowded is returned when as much as may be is being done for people already:
// nothing was changed.
var ErrCrowded = errors.New("too much is asked for at once")

// askedTx is [Dispatcher.inTx] for what a person asks for. Alerts and records must
// never wait for a connection that people have: so they get few, and wait in turn.
func (d *Dispatcher) askedTx(ctx context.Context, fn func(*postgres.Tx) error) error {
	soon, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	if !d.asking.take(soon) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for a connection: %w", err) // the caller left
		}
		return ErrCrowded
	}
	defer d.asking.free()
	return d.inTx(ctx, fn)
}
