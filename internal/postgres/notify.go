package postgres

import (
	"context"
	"fmt"
)

// Notify tells every listener on a channel, on all replicas. The payload must be
// shorter than 8,000 bytes.
func (q queries) Notify(ctx context.Context, channel, payload string) error {
	const query = `
		SELECT pg_notify($1, $2)`
	if _, err := q.q.Exec(ctx, query, channel, payload); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// Listen calls heard with every payload on a channel, on a connection of its own,
// until ctx ends or the connection breaks. It calls ready once it listens: what
// came before that was missed.
func (db *DB) Listen(ctx context.Context, channel string, ready func(), heard func(payload string)) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	// A connection that listens must not go back to those that do not.
	own := conn.Hijack()
	defer own.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing more is asked of it
	if _, err := own.Exec(ctx, `LISTEN `+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ready()
	for {
		n, err := own.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		heard(n.Payload)
	}
}
