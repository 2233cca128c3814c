package delivery

import (
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// Target is what decides, beside the delivery itself, whether it may go.
type Target struct {
	State  destination.State
	Usable bool // its settings can be opened and used
	Health Health
}

// TargetOf returns what decides about deliveries to a destination.
func TargetOf(d destination.Destination, h Health) Target {
	return Target{State: d.State, Usable: d.Settings != nil, Health: h}
}

// HoldReason returns why a delivery must wait at a time, or "" if it may go. It is
// the only place that decides this; where several reasons hold, the first below is
// the one that is told:
//
//  1. misconfigured: nothing can be sent, whoever asks for it;
//  2. none, where a person asked for the next attempt of this very delivery;
//  3. paused: a person said so;
//  4. not_answering, but for the one delivery that probes;
//  5. busy: the destination asked to be left alone for a while.
//
// That a destination has no room at the moment is not known here: such a delivery
// is held busy by whoever found none.
func HoldReason(d Delivery, t Target, now time.Time) Reason {
	switch {
	case !t.Usable:
		return Misconfigured
	case d.Forced():
		return ""
	case t.State == destination.Paused:
		return Paused
	case !t.Health.Answering() && (d.ID == uuid.Nil || d.ID != t.Health.Probing):
		return NotAnswering
	case t.Health.Answering() && now.Before(t.Health.SlowUntil):
		return Busy
	}
	return ""
}

// HoldsOthers is HoldReason for a delivery of which nothing is known: it neither
// probes, nor did a person ask for it.
func (t Target) HoldsOthers(now time.Time) Reason {
	return HoldReason(Delivery{NextTrigger: Automatic}, t, now)
}
