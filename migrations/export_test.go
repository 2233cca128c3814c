package migrations

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// LockTimeout is how long a statement waits for a lock outside of tests.
var LockTimeout = lockTimeout

// Hurry makes the waits for locks short.
func Hurry() {
	lockTimeout, firstPause, mostPause = 300*time.Millisecond, 5*time.Millisecond, 5*time.Millisecond
}

// The directions of a step.
const (
	DirectionUp   = up
	DirectionDown = down
)

// Run carries one step out, without trying again.
func Run(ctx context.Context, pool *pgxpool.Pool, s Step, direction bool) error {
	return run(ctx, pool, s, direction)
}

// Persist carries one step out as Up does.
func Persist(ctx context.Context, pool *pgxpool.Pool, tell func(string), s Step) error {
	return persist(ctx, pool, tell, s.Name, func() error { return run(ctx, pool, s, up) })
}

// Stops are the steps that need servers stopped.
var Stops = stops
