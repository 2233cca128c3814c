package stage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
)

// Audit compares for one destination, and returns latencies too.
func (s *Stage) Audit(ctx context.Context, l load.Done, to calls.Destination) (audit.Found, measure.Quantiles, error) {
	h := measure.NewHistogram()
	found, err := s.AuditEach(ctx, l, to, func(_ int, d time.Duration) { measure.Record(h, d) })
	return found, measure.QuantilesOf(h), err
}

// AuditEach is Audit, and says how late each alert was in place of quantiles.
func (s *Stage) AuditEach(ctx context.Context, l load.Done, to calls.Destination, late func(i int, d time.Duration)) (audit.Found, error) {
	states, err := s.States(ctx, l.Prefix, to)
	if err != nil {
		return audit.Found{}, err
	}
	came, err := s.Receiver.Arrivals(ctx, to.Path)
	if err != nil {
		return audit.Found{}, err
	}
	return audit.Compare(l, came, states, time.Now(), late), nil
}

// States returns the status of each delivery of a load to a destination.
func (s *Stage) States(ctx context.Context, prefix string, to calls.Destination) (map[string]string, error) {
	const query = `
		SELECT a.alert_id, d.status
		FROM deliveries d
		JOIN alerts a ON a.id = d.alert_id
		WHERE d.destination_id = $1
		  AND starts_with(a.alert_id, $2)`
	rows, err := s.Pool.Query(ctx, query, to.ID, prefix+"-")
	if err != nil {
		return nil, fmt.Errorf("select states: %w", err)
	}
	states := map[string]string{}
	var id, status string
	_, err = pgx.ForEachRow(rows, []any{&id, &status}, func() error {
		states[id] = status
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select states: %w", err)
	}
	return states, nil
}
