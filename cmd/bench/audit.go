package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// audited is what became of the alerts of a load at one destination.
type audited struct {
	Accepted   int `json:"accepted"`
	Refused    int `json:"refused"`    // posted and not accepted
	Lost       int `json:"lost"`       // accepted, and neither received nor still owed
	Owed       int `json:"owed"`       // accepted, still open and not received yet
	Duplicates int `json:"duplicates"` // requests beyond the first with the same webhook-id
}

func (a *audited) add(b audited) {
	a.Accepted += b.Accepted
	a.Refused += b.Refused
	a.Lost += b.Lost
	a.Owed += b.Owed
	a.Duplicates += b.Duplicates
}

// compare holds what was accepted against what was received and what the
// database says; states are of deliveries, by alertId, and nil where there is no
// database. late is called with the latency of each accepted alert, from when it
// was to be sent; what has not come yet is as late as it is by now.
func compare(l loaded, came []arrival, states map[string]string, now time.Time, late func(i int, d time.Duration)) audited {
	first := make(map[string]int64, len(came))
	times := make(map[uuid.UUID]int, len(came))
	for _, a := range came {
		if at, ok := first[a.AlertID]; !ok || a.At < at {
			first[a.AlertID] = a.At
		}
		times[a.WebhookID]++
	}
	var found audited
	ours := make(map[string]bool, len(l.Sent))
	for i, sent := range l.Sent {
		id := l.id(i)
		ours[id] = true
		if sent < 0 {
			found.Refused++
			continue
		}
		found.Accepted++
		at, received := first[id]
		switch state := states[id]; {
		case states != nil && (state == "" || state == "failed" || state == "cancelled"):
			found.Lost++
		case received:
		case state == "queued" || state == "retrying" || state == "held":
			found.Owed++
		default: // said to be delivered
			found.Lost++
		}
		if !received {
			at = now.UnixNano()
		}
		late(i, time.Duration(at-l.sentAt(i)))
	}
	for _, a := range came {
		if ours[a.AlertID] && times[a.WebhookID] > 1 {
			found.Duplicates += times[a.WebhookID] - 1
			times[a.WebhookID] = 1
		}
	}
	return found
}

// audit compares for one destination, and returns latencies too.
func (s *stage) audit(ctx context.Context, l loaded, to destination) (audited, quantiles, error) {
	h := newHistogram()
	found, err := s.auditEach(ctx, l, to, func(_ int, d time.Duration) { record(h, d) })
	return found, quantilesOf(h), err
}

func (s *stage) auditEach(ctx context.Context, l loaded, to destination, late func(i int, d time.Duration)) (audited, error) {
	states, err := s.states(ctx, l.Prefix, to)
	if err != nil {
		return audited{}, err
	}
	came, err := s.receiver.arrivals(ctx, to.Path)
	if err != nil {
		return audited{}, err
	}
	return compare(l, came, states, time.Now(), late), nil
}

// states returns the status of each delivery of a load to a destination.
func (s *stage) states(ctx context.Context, prefix string, to destination) (map[string]string, error) {
	const query = `
		SELECT a.alert_id, d.status
		FROM deliveries d
		JOIN alerts a ON a.id = d.alert_id
		WHERE d.destination_id = $1
		  AND starts_with(a.alert_id, $2)`
	rows, err := s.pool.Query(ctx, query, to.ID, prefix+"-")
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
