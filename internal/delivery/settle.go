package delivery

import (
	"time"

	"belfry/internal/outbound"
)

// Claim is what a worker knew of a delivery when it began to send: the fence
// that its record must pass.
type Claim struct {
	JobID    int64
	Run      int
	Attempts int
}

// Claim returns the fence of a delivery as it stands.
func (d Delivery) Claim() Claim { return Claim{d.JobID, d.Run, d.Attempts} }

// A fault of our own side charges nothing, so no budget ends a row of them. Instead the
// next attempt waits longer each time, and after holdOurSide faults in a row the delivery
// is held and says why.
const (
	firstOurWait = time.Second
	lastOurWait  = time.Minute
	holdOurSide  = 5
)

// ourWait is how long to hold off after the n-th attempt in a row (from 1) that our
// own side cut short.
func ourWait(n int) time.Duration { return min(firstOurWait<<min(n-1, 10), lastOurWait) }

// OurSideKeepsFailing reports whether our own side has failed so many times in a row that
// the delivery is held for it.
func (d Delivery) OurSideKeepsFailing() bool { return d.Uncounted >= holdOurSide }

// OurSideFailed puts off a delivery because our own side has failed once more: for longer
// each time, and in the end as held.
func (d Delivery) OurSideFailed(now time.Time) Delivery {
	d.Uncounted++
	d.DueAt = now.Add(ourWait(d.Uncounted))
	d.Waiting.Reason = WaitOurSide
	if d.Waiting.Since.IsZero() {
		d.Waiting.Since = now
	}
	if d.OurSideKeepsFailing() {
		d = d.Hold(OurSide, now)
	}
	return d
}

// uncounted is what an attempt leads to that our own side cut short. Of a row of such
// attempts two are stored: the first, and the one after which the delivery is held. The
// others would say the same.
func (d Delivery) uncounted(a Attempt, ended time.Time) (Delivery, Attempt) {
	d.Waiting.Since = time.Time{}
	d = d.OurSideFailed(ended)
	if d.Uncounted != 1 && d.Uncounted != holdOurSide {
		a.Unstored = true
		d.Made--
	}
	return d, a
}

// Settle returns what an attempt leads to. d is the delivery as it is now, under
// a lock; c is what the worker saw before it sent. wait is how long the next attempt waits
// if this one has failed.
//
// An attempt counts only if the delivery has not changed since the worker loaded it, and if
// our own side did not cut the attempt short. An attempt that does not count is kept as
// history, see Unstored. If it was acked, the delivery is delivered nevertheless, because
// that is the truth. An attempt that counts and whose answer never heals ends the run,
// whatever is left of its budget.
func Settle(d Delivery, c Claim, a Attempt, wait time.Duration) (Delivery, Attempt) {
	fenced := d.JobID == 0 || d.Claim() != c
	d.Made++
	a.Number, a.Run = d.Made, c.Run
	a.Counted = !fenced && a.Class != outbound.Interrupted
	ended := a.StartedAt.Add(a.Duration)

	if a.Counted {
		d.Attempts++
		d.NextTrigger, d.NextBy = Automatic, ""
	}
	if a.Counted || a.Class == outbound.Acked {
		d.Uncounted = 0
		d.LastAttemptID, d.LastClass, d.LastCode = a.ID, a.Class, a.StatusCode
	}
	switch {
	case a.Class == outbound.Acked:
		if d.FirstAckAt.IsZero() || ended.Before(d.FirstAckAt) {
			d.FirstAckAt = ended
		}
		if d.Status != Delivered {
			d = d.finish(Delivered, "", ended)
		}
	case fenced:
	case !a.Counted:
		d, a = d.uncounted(a, ended)
	case a.NeverHeals:
		d = d.finish(Failed, Rejected, ended)
	case d.Attempts >= d.MaxAttempts:
		d = d.finish(Failed, AttemptsExhausted, ended)
	default:
		d.Status, d.DueAt, d.Priority = Retrying, ended.Add(wait), max(d.Priority, Late)
		d.Waiting = Waiting{waitAfter(a.Result, wait), ended}
	}
	return d, a
}

// Cancel ends an open delivery without an ack.
func (d Delivery) Cancel(reason Reason, now time.Time) Delivery {
	return d.finish(Cancelled, reason, now)
}

func (d Delivery) finish(s Status, r Reason, at time.Time) Delivery {
	d.Status, d.Reason, d.FinishedAt = s, r, at
	d.JobID, d.DueAt, d.HeldAt, d.Uncounted = 0, time.Time{}, time.Time{}, 0
	d.Waiting = Waiting{}
	d.NextTrigger, d.NextBy = Automatic, ""
	return d
}

// Hold makes an open delivery wait on purpose. It keeps when it is due, and
// since when it has been held for the same reason: a probe in between does not
// count as an end of that.
func (d Delivery) Hold(r Reason, now time.Time) Delivery {
	same := d.Status == Held && d.Reason == r || d.Status != Held && r == Failing
	if d.HeldAt.IsZero() || !same {
		d.HeldAt = now
	}
	d.Status, d.Reason, d.JobID = Held, r, 0
	return d
}

// Release ends a hold. The caller gives the delivery its new job.
func (d Delivery) Release(now time.Time) Delivery {
	reason := d.Waiting.Reason
	d = d.Probe()
	if d.DueAt.After(now) {
		d.Waiting.Reason = reason // it would have waited in any case
	}
	d.HeldAt = time.Time{}
	d.DueAt = later(d.DueAt, now) // while it was held it was not late
	return d
}

// Probe lets a held delivery try once whether its destination acks again. It
// counts as held all along, so that probing puts off nothing. The caller gives
// the delivery its new job.
func (d Delivery) Probe() Delivery {
	if d.Status == Held && d.Reason != OurSide {
		d.Waiting.Reason = WaitHeld
		if d.Waiting.Since.IsZero() {
			d.Waiting.Since = d.HeldAt
		}
	}
	d.Status, d.Reason = Queued, ""
	if d.Attempts > 0 {
		d.Status = Retrying
	}
	return d
}

// Expire ends a delivery that has been held for too long.
func (d Delivery) Expire(now time.Time) Delivery { return d.finish(Failed, Expired, now) }

// Reopen begins the next run, asked for by a person. The caller gives the
// delivery its new job.
func (d Delivery) Reopen(by string, budget int, now time.Time) Delivery {
	d.Status, d.Reason, d.DueAt, d.HeldAt, d.FinishedAt = Queued, "", now, time.Time{}, time.Time{}
	d.Priority = First
	d.Run++
	d.Attempts, d.MaxAttempts, d.Uncounted = 0, budget, 0
	d.NextTrigger, d.NextBy = Resend, by
	return d
}

// SendNow brings the next attempt of the present run forward to now, asked for by
// a person. The caller gives the delivery its new job.
func (d Delivery) SendNow(by string, now time.Time) Delivery {
	d = d.Release(now)
	d.Priority = First
	d.DueAt, d.NextTrigger, d.NextBy, d.Uncounted = now, SendNow, by, 0
	return d
}
