package delivery

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/outbound"
)

// The deliveries of a destination are held as failing once so many attempts in a row
// have come back without an ack, over so long, and of so many deliveries: one alert
// that it cannot digest never looks like a destination that is down.
const (
	failingAttempts   = 10
	failingDeliveries = 3
	failingAfter      = 30 * time.Second
)

// While its deliveries are held, a destination is probed after firstProbe, then after twice
// that, and so on up to lastProbe.
const (
	firstProbe = 5 * time.Second
	lastProbe  = time.Minute
)

// Health is what the counted attempts of a destination say of it. All replicas share it.
type Health struct {
	DestinationID uuid.UUID

	Failures         int         // counted attempts that failed since the last ack, 429 left out
	Unacked          int         // the same, with each 429 that came after the one before had been heard
	FailedDeliveries []uuid.UUID // the first few deliveries without an ack since then, each once
	FailingSince     time.Time   // when the first of these began; zero while it acks
	UnackedAt        time.Time   // when the last of these ended

	HeldSince time.Time // its deliveries are held as failing; zero: they are not
	SlowUntil time.Time // it asked, with 429 or 503 and Retry-After, to hold off

	Probes      int // failed ones, since HeldSince
	NextProbeAt time.Time
	Probing     uuid.UUID // the one held delivery that may try; zero: none
	ProbeUntil  time.Time // then another may

	LastAckAt     time.Time
	LastFailureAt time.Time
	LastClass     outbound.Class // of the last failure, like the next two
	LastCode      int
	LastError     string
}

// Holding reports whether deliveries are held because the destination keeps failing.
// Then only its probe goes out.
func (h Health) Holding() bool { return !h.HeldSince.IsZero() }

// After returns what an attempt shows, hold being whether deliveries may be held as
// failing at all. longest bounds what it can ask for with Retry-After. An attempt that
// does not count shows nothing, unless it was acked; nor does a test, ever.
func (h Health) After(a Attempt, hold bool, longest time.Duration) Health {
	ended := a.StartedAt.Add(a.Duration)
	switch {
	case a.Trigger == Test:
		return h
	case a.Class == outbound.Acked:
		h = h.Reset()
		h.LastAckAt = later(h.LastAckAt, ended)
		return h
	case !a.Counted:
		if h.Probing == a.DeliveryID {
			h.Probing, h.ProbeUntil = uuid.Nil, time.Time{}
		}
		return h
	}
	if !ended.Before(h.LastFailureAt) {
		h.LastFailureAt, h.LastClass, h.LastCode, h.LastError = ended, a.Class, a.StatusCode, a.Error
	}
	busy := a.StatusCode == tooManyRequests
	switch {
	case busy:
		h.SlowUntil = later(h.SlowUntil, ended.Add(min(a.RetryAfter, longest)))
	case a.StatusCode == unavailable && a.RetryAfter > 0:
		h.SlowUntil = later(h.SlowUntil, ended.Add(min(a.RetryAfter, MaxUnavailable)))
	}
	if ended.Before(h.LastAckAt) { // recorded late: it has acked since
		return h
	}
	return h.unacked(a, ended, busy, longest).holdIfFailing(ended, hold)
}

const (
	tooManyRequests = 429
	unavailable     = 503
)

// MaxUnavailable bounds how long a destination is left alone after a 503 with Retry-After. A
// destination that is down may ask for any time, and be back sooner.
const MaxUnavailable = time.Minute

// unacked counts an attempt that came back without an ack. A 429 says only that the
// destination is busy: many that were under way together count once, and a 429 does not
// undo what other attempts have shown.
func (h Health) unacked(a Attempt, ended time.Time, busy bool, longest time.Duration) Health {
	if h.Probing == a.DeliveryID && h.Holding() {
		h.Probes++
		h.Probing, h.ProbeUntil = uuid.Nil, time.Time{}
		h.NextProbeAt = ended.Add(probeWait(h.Probes))
		if busy {
			h.NextProbeAt = later(h.NextProbeAt, ended.Add(min(a.RetryAfter, longest)))
		}
	}
	if len(h.FailedDeliveries) < failingDeliveries && !slices.Contains(h.FailedDeliveries, a.DeliveryID) {
		h.FailedDeliveries = append(slices.Clone(h.FailedDeliveries), a.DeliveryID)
	}
	if busy && a.StartedAt.Before(h.UnackedAt) {
		return h
	}
	if h.Unacked == 0 {
		h.FailingSince = a.StartedAt
	}
	h.Unacked++
	h.UnackedAt = later(h.UnackedAt, ended)
	if !busy {
		h.Failures++
	}
	return h
}

// holdIfFailing holds the deliveries of a destination that has kept failing.
func (h Health) holdIfFailing(now time.Time, hold bool) Health {
	if !h.Holding() && hold && h.KeepsFailing() && len(h.FailedDeliveries) >= failingDeliveries && now.Sub(h.FailingSince) >= failingAfter {
		h.HeldSince = now
		h.NextProbeAt = now.Add(probeWait(0))
	}
	return h
}

// KeepsFailing reports whether so many attempts in a row have come back without an
// ack that nobody may take the destination for healthy, whatever it answered.
func (h Health) KeepsFailing() bool { return h.Unacked >= failingAttempts }

// Reset returns the health of a destination of which no failure is known.
func (h Health) Reset() Health {
	h.Failures, h.FailingSince, h.HeldSince = 0, time.Time{}, time.Time{}
	h.Unacked, h.FailedDeliveries, h.UnackedAt = 0, nil, time.Time{}
	h.Probes, h.NextProbeAt, h.Probing, h.ProbeUntil = 0, time.Time{}, uuid.Nil, time.Time{}
	return h
}

// MayProbe reports whether it is time to let one held delivery try.
func (h Health) MayProbe(now time.Time) bool {
	return h.Holding() && !now.Before(h.NextProbeAt) && (h.Probing == uuid.Nil || !now.Before(h.ProbeUntil))
}

// GrantProbe gives the right to probe to one delivery, until a time by which its
// attempt must have been recorded.
func (h Health) GrantProbe(id uuid.UUID, until time.Time) Health {
	h.Probing, h.ProbeUntil = id, until
	return h
}

func probeWait(probes int) time.Duration {
	return min(firstProbe<<min(probes, 10), lastProbe)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
