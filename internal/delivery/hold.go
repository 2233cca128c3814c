package delivery

import (
	"errors"
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

// TargetOf returns what decides about deliveries to a destination. One that only this
// process cannot open, for lack of a newer key, is usable: others will send.
func TargetOf(d destination.Destination, h Health) Target {
	return Target{State: d.State, Usable: d.Usable() || errors.Is(d.Unopened, destination.ErrNoKey), Health: h}
}

// HoldReason returns why a delivery must wait at a time, or "" if it may go. It is
// the only place that decides this; where several reasons hold, the first below is
// the one that is told:
//
//  1. misconfigured: nothing can be sent, whoever asks for it;
//  2. paused: a person said so;
//  3. not_answering, but for the one delivery that probes;
//  4. our_side: our own side has failed several times in a row, and the wait since
//     then is not over;
//  5. busy: the destination asked to be left alone for a while.
//
// Where a person asked for the next attempt of this very delivery, it goes whatever
// its destination is held for: only the first and the fourth hold it.
//
// That a destination has no room at the moment is not known here: such a delivery
// is held busy by whoever found none.
func HoldReason(d Delivery, t Target, now time.Time) Reason {
	forced := d.Forced()
	switch {
	case !t.Usable:
		return Misconfigured
	case t.State == destination.Paused && !forced:
		return Paused
	case !t.Health.Answering() && !forced && (d.ID == uuid.Nil || d.ID != t.Health.Probing):
		return NotAnswering
	case d.Stumbling() && now.Before(d.DueAt):
		return OurSide
	case t.Health.Answering() && !forced && now.Before(t.Health.SlowUntil):
		return Busy
	}
	return ""
}

// HoldsAsked is HoldReason for a delivery of which only is known that a person
// asked for it.
func (t Target) HoldsAsked(now time.Time) Reason {
	return HoldReason(Delivery{NextTrigger: SendNow}, t, now)
}

// HoldsOthers is HoldReason for a delivery of which nothing is known: it neither
// probes, nor did a person ask for it.
func (t Target) HoldsOthers(now time.Time) Reason {
	return HoldReason(Delivery{NextTrigger: Automatic}, t, now)
}
