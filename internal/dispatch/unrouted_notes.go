package dispatch

import (
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"belfry/internal/delivery"
	"belfry/internal/postgres"
	"belfry/internal/sampler"
)

// unroutedNotes counts alerts that go to no destination, or not to all that they name. It
// logs those that name unknown destinations: in a flood the first twenty, and then one a
// second at most.
type unroutedNotes struct {
	log     *slog.Logger
	now     func() time.Time
	counted *prometheus.CounterVec // by reason
	sampler sampler.Sampler        // by names
	rate    *rate.Limiter
}

func newUnroutedNotes(log *slog.Logger, now func() time.Time, counted *prometheus.CounterVec) *unroutedNotes {
	return &unroutedNotes{log: log, now: now, counted: counted, sampler: sampler.Sampler{Every: logEvery}, rate: rate.NewLimiter(1, 20)}
}

// note is told of each alert that is accepted.
func (u *unroutedNotes) note(a postgres.AcceptedAlert) {
	reason := delivery.UnroutedLabelOf(a.Unrouted, a.Unknown)
	if reason == "" {
		return
	}
	u.counted.WithLabelValues(string(reason)).Inc()
	now := u.now()
	if len(a.Unknown) == 0 {
		return
	}
	if _, ok := u.sampler.Allow(strings.Join(a.Unknown, "\n"), now); !ok || !u.rate.AllowN(now, 1) {
		return
	}
	u.log.Warn("alert names unknown destinations", "alert_id", a.AlertID, "unknown_destinations", a.Unknown, "reason", reason)
}
