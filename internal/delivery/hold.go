package delivery

import (
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
)

// Target is what HoldReason must know of a delivery's destination.
type Target struct {
	State  destination.State
	Usable bool // its settings can be opened and used
	Health Health
	Full   bool // whoever asks for room for the delivery finds none
}

// TargetOf returns what decides about deliveries to a destination.
func TargetOf(d destination.Destination, h Health) Target {
	return Target{State: d.State, Usable: d.Usable(), Health: h}
}

// HoldReason returns why a delivery must wait at a time, or "" if it may go. It is
// the only place that decides this; where several reasons hold, the first below is
// the one that is told:
//
//  1. misconfigured: nothing can be sent, whoever asks for it;
//  2. paused: a person said so;
//  3. failing, but for the one delivery that probes;
//  4. our_side: our own side has failed several times in a row, and the wait since
//     then is not over;
//  5. busy: there is no room for it, or the destination asked to be left alone for a
//     while.
//
// Where a person asked for the next attempt of this very delivery, it goes whatever
// its destination is held for: only the first, the fourth and want of room hold it.
func HoldReason(d Delivery, t Target, now time.Time) Reason {
	manual := d.Manual()
	switch {
	case !t.Usable:
		return Misconfigured
	case t.State == destination.Paused && !manual:
		return Paused
	case t.Health.Holding() && !manual && (d.ID == uuid.Nil || d.ID != t.Health.Probing):
		return Failing
	case d.OurSideKeepsFailing() && now.Before(d.DueAt):
		return OurSide
	case t.Full:
		return Busy
	case !t.Health.Holding() && !manual && now.Before(t.Health.SlowUntil):
		return Busy
	}
	return ""
}

// HoldsManual is HoldReason for deliveries of which only is known that a person asked
// for them, and what they are held for by now, "" if that is not known.
func (t Target) HoldsManual(was Reason, now time.Time) Reason {
	return t.holds(Delivery{NextTrigger: SendNow}, was, now)
}

// HoldsOthers is HoldsManual for deliveries that neither probe, nor did a person ask for
// them.
func (t Target) HoldsOthers(was Reason, now time.Time) Reason {
	return t.holds(Delivery{NextTrigger: Automatic}, was, now)
}

func (t Target) holds(d Delivery, was Reason, now time.Time) Reason {
	if was == OurSide { // each waits for a time of its own, which is not over
		d.Uncounted, d.DueAt = holdOurSide, now.Add(1)
	}
	return HoldReason(d, t, now)
}
