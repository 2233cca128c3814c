package dispatch

import (
	"context"
	"log/slog"
	"time"

	"belfry/internal/postgres"
)

const (
	retainEvery = time.Hour
	statsKept   = 8 * 24 * time.Hour
	dropAtOnce  = 500 // rows in one transaction
)

// retention drops what is older than it is to be kept.
type retention struct {
	db    *postgres.DB
	log   *slog.Logger
	now   func() time.Time
	kept  time.Duration // alerts and attempts; 0: for ever
	audit time.Duration // the audit log; 0: for ever
}

// steps returns a step for each kind of rows. A step that fails or takes long keeps none of
// the others from their work. Partitions of attempts are most of what is stored, and are
// dropped in no time.
func (r *retention) steps() []step {
	return []step{
		{name: "drop attempts", every: retainEvery, do: r.dropAttempts},
		{name: "drop alerts", every: retainEvery, long: true, do: r.dropping("alerts", r.kept, r.db.DropAlerts)},
		{name: "drop bulk re-sends", every: retainEvery, long: true, do: r.dropping("bulk_resends", r.kept, r.db.DropBulkResends)},
		{name: "drop audit log", every: retainEvery, long: true, do: r.dropping("audit_entries", r.audit, r.db.DropAudit)},
		{name: "drop sums of attempts", every: retainEvery, do: r.dropStats},
	}
}

func (r *retention) dropAttempts(ctx context.Context) error {
	if r.kept <= 0 {
		return nil
	}
	dropped, err := r.db.DropAttempts(ctx, r.now().Add(-r.kept))
	if len(dropped) > 0 {
		r.log.InfoContext(ctx, "old attempts dropped", "partitions", dropped)
	}
	return err
}

func (r *retention) dropStats(ctx context.Context) error {
	return r.db.DropStats(ctx, r.now().Add(-statsKept))
}

// dropping returns a step that drops rows that were made longer ago than they are kept,
// some at a time until none is left. The time limit is for each of these transactions.
func (r *retention) dropping(what string, kept time.Duration, drop func(context.Context, time.Time, int) (int64, error)) func(context.Context) error {
	dropSome := func(ctx context.Context) (int64, error) {
		ctx, cancel := context.WithTimeout(ctx, stepTimeout)
		defer cancel()
		return drop(ctx, r.now().Add(-kept), dropAtOnce)
	}
	return func(ctx context.Context) error {
		if kept <= 0 {
			return nil
		}
		total, n, err := int64(0), int64(dropAtOnce), error(nil)
		for err == nil && n >= dropAtOnce {
			n, err = dropSome(ctx)
			total += n
		}
		if total > 0 {
			r.log.InfoContext(ctx, "what was old was dropped", what, total)
		}
		return err
	}
}
