package dispatch

import (
	"context"
	"time"
)

const (
	retainEvery = time.Hour
	statsKept   = 8 * 24 * time.Hour
)

// startRetention drops what is older than it is to be kept. Each kind goes by itself:
// one that cannot, or that takes long, keeps none of the others. Partitions of attempts
// are most of what is stored, and go in no time.
func (d *Dispatcher) startRetention() {
	for name, step := range d.retentions() {
		d.every(retainEvery, nil, name, step)
	}
}

func (d *Dispatcher) retentions() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"drop attempts": func(ctx context.Context) error {
			if d.Retention <= 0 {
				return nil
			}
			dropped, err := d.DB.DropAttempts(ctx, d.Now().Add(-d.Retention))
			if len(dropped) > 0 {
				d.Log.InfoContext(ctx, "old attempts dropped", "partitions", dropped)
			}
			return err
		},
		"drop alerts":           d.dropping("alerts", d.Retention, d.DB.DropAlerts),
		"drop bulk re-sends":    d.dropping("bulk_resends", d.Retention, d.DB.DropBulkResends),
		"drop audit log":        d.dropping("audit_entries", d.AuditRetention, d.DB.DropAudit),
		"drop sums of attempts": func(ctx context.Context) error { return d.DB.DropStats(ctx, d.Now().Add(-statsKept)) },
	}
}

// dropping returns a step that drops what was made longer ago than it is kept, a few
// rows at a time, for as long as there is any: only each few have a time limit.
func (d *Dispatcher) dropping(what string, kept time.Duration, drop func(context.Context, time.Time, int) (int64, error)) func(context.Context) error {
	return func(context.Context) error {
		if kept <= 0 {
			return nil
		}
		total, n, err := int64(0), int64(pace), error(nil)
		for err == nil && n >= pace {
			ctx, cancel := context.WithTimeout(d.upkeep, stepTimeout)
			n, err = drop(ctx, d.Now().Add(-kept), pace)
			cancel()
			total += n
		}
		if total > 0 {
			d.Log.InfoContext(d.upkeep, "what was old was dropped", what, total)
		}
		return err
	}
}
