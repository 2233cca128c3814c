package destination

import (
	"math"

	"belfry/internal/invalid"
)

// Limits bound how many attempts a destination gets, and how quickly.
type Limits struct {
	MaxInFlight   int     // attempts at a time at most, of each replica
	RatePerSecond float64 // attempts, of all replicas together; 0: no limit
	Burst         int     // attempts at once after a quiet time; 0 without a rate
	HoldFailing   bool    // hold deliveries while it keeps failing
}

// The limits of a destination that says nothing of them, and what they may be.
const (
	defaultInFlight = 256
	maxInFlight     = 1000
	minRate         = 0.01
	maxRate         = 10_000
	maxBurst        = 10_000
)

// DefaultLimits are those of a destination that says nothing of them.
func DefaultLimits() Limits { return Limits{MaxInFlight: defaultInFlight, HoldFailing: true} }

// readLimits changes the limits that the request gives. null clears one, or all
// of them, to what a destination has that says nothing of it.
func (d *Destination) readLimits(f *invalid.Reader) {
	switch {
	case !f.Has("limits"):
		return
	case f.IsNull("limits"):
		d.Limits = DefaultLimits()
		return
	}
	given, ok := invalid.NewNestedReader(f.Body["limits"], "maxInFlight", "ratePerSecond", "burst", "holdFailing")
	if !ok {
		f.Wrong("limits", invalid.CodeType, "must be an object")
		return
	}
	d.Limits = d.Limits.changed(given)
	for _, e := range given.Errors {
		f.Wrong("limits."+e.Field, e.Code, e.Message)
	}
}

func (l Limits) changed(f *invalid.Reader) Limits {
	standard := DefaultLimits()
	if f.Has("maxInFlight") {
		l.MaxInFlight = standard.MaxInFlight
		if !f.IsNull("maxInFlight") {
			l.MaxInFlight = f.Whole("maxInFlight", 1, maxInFlight)
		}
	}
	if f.Has("ratePerSecond") {
		l.RatePerSecond = standard.RatePerSecond
		if !f.IsNull("ratePerSecond") {
			l.RatePerSecond = f.Number("ratePerSecond", minRate, maxRate)
		}
	}
	l.Burst = l.burst(f)
	if f.Has("holdFailing") {
		l.HoldFailing = standard.HoldFailing
		if !f.IsNull("holdFailing") {
			l.HoldFailing = f.Truth("holdFailing")
		}
	}
	return l
}

// burst goes with the rate: without one there is none, and a rate without one
// gets as much as it lets through in a second.
func (l Limits) burst(f *invalid.Reader) int {
	switch {
	case !f.IsNull("burst"):
		burst := f.Whole("burst", 1, maxBurst)
		if l.RatePerSecond == 0 && !f.IsWrong("burst") {
			f.Wrong("burst", invalid.CodeConflict, "needs ratePerSecond: without a rate there is no burst")
		}
		return burst
	case l.RatePerSecond == 0:
		return 0
	case f.Has("burst") || l.Burst == 0:
		return max(1, int(math.Ceil(l.RatePerSecond)))
	}
	return l.Burst
}
