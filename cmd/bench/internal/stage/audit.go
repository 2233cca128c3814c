package stage

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/receive"
	"belfry/cmd/bench/internal/report"
)

// Audit compares for one destination, and returns latencies too.
func (s *Stage) Audit(ctx context.Context, l load.Done, to calls.Destination) (audit.Found, measure.Quantiles, error) {
	h := measure.NewHistogram()
	found, err := s.AuditEach(ctx, l, []calls.Destination{to}, func(_ int, d time.Duration) { measure.Record(h, d) })
	return found, measure.QuantilesOf(h), err
}

// AuditEach compares for destinations that each get every alert of a load, and
// says how late each was at each of them.
func (s *Stage) AuditEach(ctx context.Context, l load.Done, to []calls.Destination, late func(i int, d time.Duration)) (audit.Found, error) {
	var all audit.Found
	states, err := s.States(ctx, l.Prefix)
	if err != nil {
		return all, err
	}
	for _, d := range to {
		came, err := s.Receiver.Arrivals(ctx, d.Path)
		if err != nil {
			return all, fmt.Errorf("audit %s: %w", d.Path, err)
		}
		of := states[d.ID]
		if of == nil {
			of = map[string]string{} // none was accepted for it
		}
		all.Add(audit.Compare(l, came, of, time.Now(), late))
	}
	return all, nil
}

// AuditSpread is AuditEach for destinations each of which gets its part of the
// alerts.
func (s *Stage) AuditSpread(ctx context.Context, l load.Done, to []calls.Destination, late func(i int, d time.Duration)) (audit.Found, error) {
	states, err := s.States(ctx, l.Prefix)
	if err != nil {
		return audit.Found{}, err
	}
	of := map[string]string{}
	for _, d := range to {
		maps.Copy(of, states[d.ID])
	}
	came, err := s.Arrivals(ctx, to)
	if err != nil {
		return audit.Found{}, err
	}
	return audit.Compare(l, came, of, time.Now(), late), nil
}

// Arrivals returns every request that some destinations got.
func (s *Stage) Arrivals(ctx context.Context, to []calls.Destination) ([]receive.Arrival, error) {
	var all []receive.Arrival
	for _, d := range to {
		came, err := s.Receiver.Arrivals(ctx, d.Path)
		if err != nil {
			return nil, err
		}
		all = append(all, came...)
	}
	return all, nil
}

// AuditAll audits a load at its destinations, as its plan says that they get it.
func (s *Stage) AuditAll(ctx context.Context, r *report.Result, l load.Done, spread bool, to []calls.Destination) error {
	latencies := measure.NewHistogram()
	how := s.AuditEach
	if spread {
		how = s.AuditSpread
	}
	found, err := how(ctx, l, to, func(_ int, late time.Duration) { measure.Record(latencies, late) })
	if err != nil {
		return err
	}
	q := measure.QuantilesOf(latencies)
	r.Audit, r.Latency = &found, &q
	return nil
}

// States returns the status of each delivery of a load, by destination and
// alertId.
func (s *Stage) States(ctx context.Context, prefix string) (map[string]map[string]string, error) {
	const query = `
		SELECT d.destination_id::text, a.alert_id, d.status
		FROM deliveries d
		JOIN alerts a ON a.id = d.alert_id
		WHERE starts_with(a.alert_id, $1)
		  AND d.id >= $2`
	rows, err := s.Pool.Query(ctx, query, prefix+"-", firstID(s.began))
	if err != nil {
		return nil, fmt.Errorf("select states: %w", err)
	}
	states := map[string]map[string]string{}
	var destination, id, status string
	_, err = pgx.ForEachRow(rows, []any{&destination, &id, &status}, func() error {
		if states[destination] == nil {
			states[destination] = map[string]string{}
		}
		states[destination][id] = status
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select states: %w", err)
	}
	return states, nil
}
