package api

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/postgres"
	"belfry/internal/sampler"
)

// reason is why what a caller showed was not accepted.
type reason string

const (
	wrongToken   reason = "token"   // nobody's
	revokedToken reason = "revoked" // that of somebody, once
	wrongCode    reason = "code"    // of a sign-in link: wrong, used or expired
	wrongSession reason = "session" // ended, or never opened
	wrongScheme  reason = "scheme"  // not Bearer
	limited      reason = "limited" // not looked at: too much from there was wrong
)

var reasons = []reason{wrongToken, revokedToken, wrongCode, wrongSession, wrongScheme, limited}

// Failures counts who failed to authenticate, logs some of them, and writes all of
// them to the audit log, summed up.
type Failures struct {
	db    *postgres.DB
	log   *slog.Logger
	now   func() time.Time
	total *prometheus.CounterVec

	sampler sampler.Sampler // of lines in the log
	mu      sync.Mutex
	tallies map[netip.Prefix]*tally
}

// tally is what has failed from a network since the last summary.
type tally struct {
	since, last time.Time
	reasons     map[reason]int
	requestID   string // of the last one
}

// The audit log gets one entry for each network in this time, and never more than
// so many: what comes from others is summed up in one.
const (
	summaryEach = time.Minute
	maxTallies  = 100
)

// NewFailures returns what Config.Failures is; metrics may be nil.
func NewFailures(db *postgres.DB, log *slog.Logger, metrics prometheus.Registerer, now func() time.Time) *Failures {
	f := &Failures{
		db: db, log: log, now: now, tallies: map[netip.Prefix]*tally{}, sampler: sampler.Sampler{Every: logRefusalsEvery},
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "belfry_authentication_failures_total", Help: "Calls and sign-ins with a token, code or session that is not valid, by reason.",
		}, []string{"reason"}),
	}
	for _, r := range reasons {
		f.total.WithLabelValues(string(r))
	}
	if metrics != nil {
		metrics.MustRegister(f.total)
	}
	return f
}

// note tells of a failure. A session that is over is only counted: each ends once.
func (f *Failures) note(ctx context.Context, from netip.Prefix, why reason, facts ...any) {
	f.total.WithLabelValues(string(why)).Inc()
	if why == wrongSession {
		return
	}
	now, id := f.now(), requestFrom(ctx).id
	if unlogged, ok := f.sampler.Allow(string(why), now); ok {
		f.log.WarnContext(ctx, "authentication failed", append([]any{
			"request_id", id, "reason", why, "client_address", networkName(from), "not_logged", unlogged,
		}, facts...)...)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tallies[from]
	if t == nil && len(f.tallies) >= maxTallies {
		from = netip.Prefix{}
		t = f.tallies[from]
	}
	if t == nil {
		t = &tally{since: now, reasons: map[reason]int{}}
		f.tallies[from] = t
	}
	t.last, t.requestID = now, id
	t.reasons[why]++
}

// networkName writes the network that a client's address belongs to: an address of
// IPv4 by itself.
func networkName(network netip.Prefix) string {
	switch {
	case !network.IsValid():
		return "other addresses"
	case network.IsSingleIP():
		return network.Addr().String()
	}
	return network.String()
}

// Run writes a summary every minute until ctx ends, and then the last one.
func (f *Failures) Run(ctx context.Context) {
	every := time.NewTicker(summaryEach)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			f.summarize(ctx)
		case <-ctx.Done():
			f.summarize(context.WithoutCancel(ctx))
			return
		}
	}
}

// summarize writes what has failed since the last time, and keeps it for the next
// when it cannot be written.
func (f *Failures) summarize(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	f.mu.Lock()
	tallies := f.tallies
	f.tallies = map[netip.Prefix]*tally{}
	f.mu.Unlock()
	if len(tallies) == 0 {
		return
	}
	err := f.db.InTx(ctx, func(tx *postgres.Tx) error {
		for _, from := range slices.SortedFunc(maps.Keys(tallies), func(a, b netip.Prefix) int { return tallies[a].since.Compare(tallies[b].since) }) {
			if err := tx.Audit(ctx, tallies[from].entry(from)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.log.WarnContext(ctx, "authentication failures not written to the audit log", "error", err)
		f.putBack(tallies)
	}
}

func (f *Failures) putBack(tallies map[netip.Prefix]*tally) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for from, former := range tallies {
		t := f.tallies[from]
		if t == nil {
			f.tallies[from] = former
			continue
		}
		t.since = former.since
		for why, n := range former.reasons {
			t.reasons[why] += n
		}
	}
}

func (t *tally) entry(from netip.Prefix) postgres.Entry {
	count, name := 0, networkName(from)
	for _, n := range t.reasons {
		count += n
	}
	return postgres.Entry{
		At: t.last, Actor: name, Action: "authentication.fail", SubjectType: "authentication", SubjectID: name, RequestID: t.requestID,
		Detail: map[string]any{"count": count, "reasons": t.reasons, "from": t.since.UTC(), "to": t.last.UTC()},
	}
}
