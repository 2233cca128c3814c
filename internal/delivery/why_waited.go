package delivery

import (
	"time"

	"belfry/internal/outbound"
)

// WaitReason says why an attempt was not made sooner.
type WaitReason string

// What an attempt waits for.
const (
	WaitSchedule   WaitReason = "schedule"    // the next wait of the list
	WaitRetryAfter WaitReason = "retry_after" // the destination asked for more than that
	WaitOurSide    WaitReason = "our_side"    // our own side had failed, and waited
	WaitHeld       WaitReason = "held"        // the delivery was held
	WaitManual     WaitReason = "manual"      // nothing: a person asked for it when it was made
)

// Waiting is why a delivery's next attempt waits. A version from before step 44 left
// what it found here when it changed a delivery, so it would soon speak of an earlier
// wait. That is past: step 49 renamed a column which that version reads, so none of it
// runs beside this one.
type Waiting struct {
	Reason WaitReason // "" when it does not
	Since  time.Time  // zero when that is not known
}

// waitAfter says which of both a wait after a failed attempt is: Waits.After returns
// what the destination asked for where that is longer.
func waitAfter(r outbound.Result, wait time.Duration) WaitReason {
	if r.RetryAfter > 0 && wait <= r.RetryAfter {
		return WaitRetryAfter
	}
	return WaitSchedule
}

// Next returns the delivery's next attempt, begun at a time.
func (d Delivery) Next(now time.Time) Attempt {
	a := Attempt{
		DeliveryID: d.ID, DestinationID: d.DestinationID, Trigger: d.NextTrigger, RequestedBy: d.NextBy, WaitReason: d.Waiting.Reason,
	}
	if d.NextTrigger != Automatic {
		a.WaitReason = WaitManual
	}
	if !d.Waiting.Since.IsZero() {
		a.Waited = max(now.Sub(d.Waiting.Since), 0)
	}
	return a
}
