package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"belfry/internal/postgres"
)

// partitions knows whether attempts have partitions to go to, and makes them.
type partitions struct {
	db  *postgres.DB
	log *slog.Logger
	now func() time.Time

	ready atomic.Bool // those of this week and the next are there
}

// there reports whether attempts have partitions to go to. Without them no attempt
// starts: its record would have nowhere to go.
func (p *partitions) there() bool { return p.ready.Load() }

// ensure makes the partitions of this week and the next.
func (p *partitions) ensure(ctx context.Context) {
	now := p.now()
	if p.create(ctx, now, now.AddDate(0, 0, 7)) {
		p.ready.Store(true)
	}
}

// makeFor makes the partitions that attempts of these times go to, and reports
// whether they are there.
func (p *partitions) makeFor(ctx context.Context, times ...time.Time) bool {
	made := p.create(ctx, times...)
	if made {
		p.ensure(ctx)
	}
	return made
}

// create makes partitions, and reports whether they are there. If the database refuses to
// make them, no attempt starts until it does; that is logged once. If the database is
// away, nothing changes.
func (p *partitions) create(ctx context.Context, times ...time.Time) bool {
	err := p.db.EnsurePartitions(ctx, times...)
	if postgres.IsRefused(err) || errors.Is(err, postgres.ErrDetached) {
		if p.ready.Swap(false) {
			p.log.ErrorContext(ctx, "partitions of attempts cannot be made", "error", err)
		}
	}
	return err == nil
}
