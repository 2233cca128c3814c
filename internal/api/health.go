package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/dispatch"
)

const historyHours = 24

// ListDestinationHealth answers how every destination does and, if asked, did for
// a day.
func (s *Server) ListDestinationHealth(ctx context.Context, r ListDestinationHealthRequestObject) (ListDestinationHealthResponseObject, error) {
	routing, err := s.DB.Routing(ctx)
	if err != nil {
		return nil, err
	}
	all := routing.All
	slices.SortFunc(all, func(a, b destination.Destination) int {
		return strings.Compare(destination.NameKey(a.DisplayName), destination.NameKey(b.DisplayName))
	})
	w, err := s.watch(ctx, all)
	if err != nil {
		return nil, err
	}
	answer := ListDestinationHealth200JSONResponse{Items: make([]ListedDestinationHealth, len(all))}
	for i, d := range all {
		answer.Items[i].DestinationHealth = w.health(d.ID)
		if value(r.Params.History) {
			answer.Items[i].History = w.history(d.ID)
		}
	}
	return answer, nil
}

// GetDestinationHealth answers how one destination does, and did for a day.
func (s *Server) GetDestinationHealth(ctx context.Context, r GetDestinationHealthRequestObject) (GetDestinationHealthResponseObject, error) {
	d, err := s.DB.Destination(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	w, err := s.watch(ctx, []destination.Destination{d})
	if err != nil {
		return nil, err
	}
	return GetDestinationHealth200JSONResponse{DestinationHealth: w.health(d.ID), History: w.history(d.ID)}, nil
}

// watched is all that is known of how destinations do.
type watched struct {
	now      time.Time
	healths  map[uuid.UUID]delivery.Health
	held     map[uuid.UUID]map[delivery.Reason]int
	stats    map[uuid.UUID][]delivery.Stats // of a day, oldest first
	inFlight map[uuid.UUID]*InFlight        // from here; nil where nothing is delivered
}

func (s *Server) watch(ctx context.Context, all []destination.Destination) (w watched, err error) {
	w.now, w.inFlight = s.Now().UTC(), map[uuid.UUID]*InFlight{}
	ids := make([]uuid.UUID, len(all))
	for i, d := range all {
		ids[i] = d.ID
		if f, ok := s.Dispatcher.InFlight(d); ok {
			w.inFlight[d.ID] = newInFlight(f)
		}
	}
	if w.healths, err = s.DB.Healths(ctx, ids); err != nil {
		return w, err
	}
	if w.held, err = s.DB.HeldCounts(ctx, ids); err != nil {
		return w, err
	}
	w.stats, err = s.DB.Stats(ctx, ids, w.now.Add(-historyHours*time.Hour))
	return w, err
}

func (w watched) health(id uuid.UUID) DestinationHealth {
	h, held, stats := w.healths[id], w.held[id], w.stats[id]
	inARow, since := h.Failures, h.FailingSince
	switch {
	case h.KeepsFailing():
		inARow = h.Unacked
	case h.Failures == 0:
		since = time.Time{} // 429 now and then
	}
	answer := DestinationHealth{
		DestinationID: id, State: DestinationHealthState(h.State()), HeldSince: timeOrNil(h.HeldSince), FailingSince: timeOrNil(since),
		ConsecutiveFailures: inARow, LastAckAt: timeOrNil(h.LastAckAt), NextProbeAt: timeOrNil(h.NextProbeAt),
		InFlight: w.inFlight[id],
		Held:     HeldCounts{},
		LastHour: newAttemptStats(delivery.Sum(stats, w.now.Add(-time.Hour))),
		LastDay:  newAttemptStats(delivery.Sum(stats, w.now.Add(-historyHours*time.Hour))),
	}
	for _, reason := range delivery.HoldReasons() {
		answer.Held[string(reason)] = held[reason]
	}
	if h.SlowUntil.After(w.now) {
		answer.SlowUntil = timeOrNil(h.SlowUntil)
	}
	if !h.LastFailureAt.IsZero() {
		answer.LastFailure = &LastFailure{
			At: h.LastFailureAt.UTC(), Class: AttemptClass(h.LastClass), StatusCode: orNil(h.LastCode), Error: orNil(h.LastError),
		}
	}
	return answer
}

// history returns a point for each of the last hours of the clock, the present
// one included.
func (w watched) history(id uuid.UUID) []HourStats {
	points := make([]HourStats, historyHours)
	from := w.now.Truncate(time.Hour).Add(-(historyHours - 1) * time.Hour)
	rest := w.stats[id]
	for i := range points {
		end := slices.IndexFunc(rest, func(x delivery.Stats) bool { return !x.Since.Before(from.Add(time.Hour)) })
		if end < 0 {
			end = len(rest)
		}
		total := newAttemptStats(delivery.Sum(rest[:end], from))
		points[i] = HourStats{Since: from, Acked: total.Acked, Failed: total.Failed, P50Ms: total.P50Ms, P95Ms: total.P95Ms}
		from, rest = from.Add(time.Hour), rest[end:]
	}
	return points
}

func newInFlight(f dispatch.InFlight) *InFlight {
	return &InFlight{
		Now: f.Now, Limit: f.Limit, Ceiling: f.Ceiling,
		LoweredAt: timeOrNil(f.LoweredAt.UTC()), LoweredBecause: orNil(LoweredBecause(f.Lowered)),
	}
}

func newAttemptStats(s delivery.Stats) AttemptStats {
	answer := AttemptStats{Attempts: s.Acked + s.Failed, Acked: s.Acked, Failed: s.Failed}
	if answer.Attempts == 0 {
		return answer
	}
	rate, p50, p95 := float64(s.Acked)/float64(answer.Attempts), ms(s.Durations.Percentile(0.5)), ms(s.Durations.Percentile(0.95))
	answer.SuccessRate, answer.P50Ms, answer.P95Ms = &rate, &p50, &p95
	return answer
}
