// Package audit holds what was accepted against what was received: what was lost, is
// owed, or came twice.
package audit

import (
	"time"

	"github.com/google/uuid"

	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/receive"
)

// Found is what became of the alerts of a load at one destination.
type Found struct {
	Accepted   int `json:"accepted"`
	Refused    int `json:"refused"`    // posted and not accepted
	Lost       int `json:"lost"`       // accepted, and neither received nor still owed
	Owed       int `json:"owed"`       // accepted, still open and not received yet
	Duplicates int `json:"duplicates"` // requests beyond the first with the same webhook-id
}

// Add adds what was found at another destination.
func (a *Found) Add(b Found) {
	a.Accepted += b.Accepted
	a.Refused += b.Refused
	a.Lost += b.Lost
	a.Owed += b.Owed
	a.Duplicates += b.Duplicates
}

// Compare holds what was accepted against what was received and what the
// database says; states are of deliveries, by alertId, and nil where there is no
// database. late is called with the latency of each accepted alert, from when it
// was to be sent; what has not come yet is as late as it is by now.
func Compare(l load.Done, came []receive.Arrival, states map[string]string, now time.Time, late func(i int, d time.Duration)) Found {
	first := make(map[string]int64, len(came))
	times := make(map[uuid.UUID]int, len(came))
	for _, a := range came {
		if at, ok := first[a.AlertID]; !ok || a.At < at {
			first[a.AlertID] = a.At
		}
		times[a.WebhookID]++
	}
	var found Found
	ours := make(map[string]bool, len(l.Sent))
	for i, sent := range l.Sent {
		id := l.ID(i)
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
		late(i, time.Duration(at-l.SentAt(i)))
	}
	for _, a := range came {
		if ours[a.AlertID] && times[a.WebhookID] > 1 {
			found.Duplicates += times[a.WebhookID] - 1
			times[a.WebhookID] = 1
		}
	}
	return found
}
