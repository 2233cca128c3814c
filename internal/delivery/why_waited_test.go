package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

// diff compares deliveries but for why they wait, of which TestWaiting tells.
func diff(want, got any) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(delivery.Delivery{}, "Waiting"))
}

// TestWaiting plays a delivery's life, and asks of each attempt why it was not made sooner.
func TestWaiting(t *testing.T) {
	t.Parallel()
	now := noon
	d := with(waiting(), func(d *delivery.Delivery) {
		d.Status, d.Attempts, d.Made, d.CreatedAt, d.DueAt, d.Run, d.MaxAttempts = delivery.Queued, 0, 0, now, now, 1, 11
		d.NextTrigger, d.NextBy, d.Uncounted = delivery.Automatic, "", 0
	})
	next := func(why string, want delivery.WaitReason, waited time.Duration) {
		t.Helper()
		if a := d.Next(now); a.WaitReason != want || a.Waited != waited {
			t.Errorf("%s: %q for %s, want %q for %s", why, a.WaitReason, a.Waited, want, waited)
		}
	}
	fails := func(r outbound.Result, wait time.Duration) {
		t.Helper()
		r.StartedAt, r.Duration = now, time.Second
		d, _ = delivery.Settle(d, d.Claim(), delivery.Attempt{Result: r}, wait)
		now = now.Add(time.Second)
	}
	next("the first", "", 0)
	fails(outbound.Result{Class: outbound.Timeout}, 5*time.Second)
	now = now.Add(6 * time.Second)
	next("after a failure", delivery.WaitSchedule, 6*time.Second)
	fails(outbound.Result{Class: outbound.Rejected, RetryAfter: time.Second}, 30*time.Second)
	now = now.Add(30 * time.Second)
	next("the destination asked for less", delivery.WaitSchedule, 30*time.Second)
	fails(outbound.Result{Class: outbound.Rejected, RetryAfter: time.Hour}, time.Hour)
	now = now.Add(time.Hour)
	next("the destination asked for more", delivery.WaitRetryAfter, time.Hour)
	fails(outbound.Result{Class: outbound.Interrupted}, time.Minute)
	now = now.Add(time.Second)
	next("our own side failed", delivery.WaitOurSide, time.Second)
	fails(outbound.Result{Class: outbound.Timeout}, 5*time.Second)

	early := d.Hold(delivery.Paused, now).Release(now.Add(time.Second))
	if got := early.Waiting.Reason; got != delivery.WaitSchedule {
		t.Errorf("released before it was due: %q", got)
	}
	d = d.Hold(delivery.Paused, now)
	now = now.Add(2 * time.Hour)
	d = d.Release(now)
	next("held beyond its time", delivery.WaitHeld, 2*time.Hour)
	d = d.SendNow("ann", now)
	next("sent now", delivery.WaitManual, 2*time.Hour)
	fails(outbound.Result{Class: outbound.Acked}, 0)
	if d.Waiting != (delivery.Waiting{}) {
		t.Errorf("delivered, it waits for %+v", d.Waiting)
	}
	d = d.Reopen("ann", 11, now)
	next("sent again", delivery.WaitManual, 0)
}
