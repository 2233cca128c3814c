package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

const wait = 30 * time.Second

var (
	noon      = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	attemptID = uuid.MustParse("01934f3c-9a10-7d3b-b7f2-0c6b1f2de00a")
	earlierID = uuid.MustParse("01934f3c-9a10-7d3b-b7f2-0c6b1f2de009")
)

// waiting is a delivery whose third attempt of eleven is due, with its job.
func waiting() delivery.Delivery {
	return delivery.Delivery{
		ID:            uuid.MustParse("01934f3c-9a10-7d3b-b7f2-0c6b1f2de002"),
		RoutedBy:      delivery.ByFilters,
		Status:        delivery.Retrying,
		Run:           1,
		Attempts:      2,
		MaxAttempts:   11,
		Made:          2,
		JobID:         77,
		Priority:      delivery.Late,
		DueAt:         noon,
		NextTrigger:   delivery.Automatic,
		LastAttemptID: earlierID,
		LastClass:     outbound.Rejected,
		LastCode:      500,
		CreatedAt:     noon.Add(-time.Hour),
	}
}

// with returns a changed delivery.
func with(d delivery.Delivery, change func(*delivery.Delivery)) delivery.Delivery {
	change(&d)
	return d
}

// attempt begins at noon and takes two seconds.
func attempt(class outbound.Class, code int) delivery.Attempt {
	return delivery.Attempt{
		ID:      attemptID,
		Trigger: delivery.Automatic,
		Result:  outbound.Result{Class: class, StatusCode: code, StartedAt: noon, Duration: 2 * time.Second},
	}
}

// never is an attempt whose answer never heals.
func never(code int) delivery.Attempt {
	a := attempt(outbound.Rejected, code)
	a.NeverHeals = true
	return a
}

var ended = noon.Add(2 * time.Second)

// last says that the attempt is the newest one that matters.
func last(d *delivery.Delivery, class outbound.Class, code int) {
	d.LastAttemptID, d.LastClass, d.LastCode = attemptID, class, code
}

func delivered(d *delivery.Delivery) {
	d.Status, d.Reason, d.JobID, d.DueAt, d.HeldAt = delivery.Delivered, "", 0, time.Time{}, time.Time{}
	d.FirstAckAt, d.FinishedAt = ended, ended
	d.NextTrigger, d.NextBy = delivery.Automatic, ""
	last(d, outbound.Acked, 200)
}

var failed = with(waiting(), func(d *delivery.Delivery) {
	d.Status, d.Reason, d.JobID, d.DueAt = delivery.Failed, delivery.AttemptsExhausted, 0, time.Time{}
	d.Attempts, d.FinishedAt = 11, noon.Add(time.Second)
})

func cancelled(d *delivery.Delivery) {
	d.Status, d.Reason, d.JobID, d.DueAt = delivery.Cancelled, delivery.ByPerson, 0, time.Time{}
	d.FinishedAt = noon.Add(time.Second)
}

// settling is an attempt of a worker that nobody came before, and what it leads
// to.
type settling struct {
	name    string
	before  delivery.Delivery
	attempt delivery.Attempt
	want    func(*delivery.Delivery)
}

func checkSettled(t *testing.T, tests []settling) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, a := delivery.Settle(tt.before, tt.before.Claim(), tt.attempt, wait)
			if found := diff(with(tt.before, tt.want), got); found != "" {
				t.Errorf("delivery (-want +got)\n%s", found)
			}
			want := tt.attempt
			want.Run, want.Number, want.Counted = tt.before.Run, tt.before.Made+1, true
			if diff := cmp.Diff(want, a); diff != "" {
				t.Errorf("attempt (-want +got)\n%s", diff)
			}
		})
	}
}

func TestSettleCounts(t *testing.T) {
	t.Parallel()
	first := with(waiting(), func(d *delivery.Delivery) {
		d.Status, d.Attempts, d.Made, d.LastAttemptID, d.LastClass, d.LastCode = delivery.Queued, 0, 0, uuid.Nil, "", 0
		d.Priority = delivery.First
	})
	checkSettled(t, []settling{
		{"the first is acked", first, attempt(outbound.Acked, 200), func(d *delivery.Delivery) {
			delivered(d)
			d.Attempts, d.Made = 1, 1
		}},
		{"the first is rejected", first, attempt(outbound.Rejected, 404), func(d *delivery.Delivery) {
			d.Status, d.Attempts, d.Made, d.DueAt, d.Priority = delivery.Retrying, 1, 1, ended.Add(wait), delivery.Late
			last(d, outbound.Rejected, 404)
		}},
		{"a later one is acked", waiting(), attempt(outbound.Acked, 200), func(d *delivery.Delivery) {
			delivered(d)
			d.Attempts, d.Made = 3, 3
		}},
		{"the last but one fails", with(waiting(), func(d *delivery.Delivery) { d.Attempts = 9 }), attempt(outbound.Timeout, 0), func(d *delivery.Delivery) {
			d.Attempts, d.Made, d.DueAt = 10, 3, ended.Add(wait)
			last(d, outbound.Timeout, 0)
		}},
		{"the last one fails", with(waiting(), func(d *delivery.Delivery) { d.Attempts = 10 }), attempt(outbound.Rejected, 503), func(d *delivery.Delivery) {
			d.Status, d.Reason, d.JobID, d.DueAt = delivery.Failed, delivery.AttemptsExhausted, 0, time.Time{}
			d.Attempts, d.Made, d.FinishedAt = 11, 3, ended
			last(d, outbound.Rejected, 503)
		}},
		{"the last one is acked", with(waiting(), func(d *delivery.Delivery) { d.Attempts = 10 }), attempt(outbound.Acked, 200), func(d *delivery.Delivery) {
			delivered(d)
			d.Attempts, d.Made = 11, 3
		}},
		{"the first never heals", first, never(200), func(d *delivery.Delivery) {
			d.Status, d.Reason, d.JobID, d.DueAt = delivery.Failed, delivery.Rejected, 0, time.Time{}
			d.Attempts, d.Made, d.FinishedAt = 1, 1, ended
			last(d, outbound.Rejected, 200)
		}},
		{"the last one never heals", with(waiting(), func(d *delivery.Delivery) { d.Attempts = 10 }), never(404), func(d *delivery.Delivery) {
			d.Status, d.Reason, d.JobID, d.DueAt = delivery.Failed, delivery.Rejected, 0, time.Time{}
			d.Attempts, d.Made, d.FinishedAt = 11, 3, ended
			last(d, outbound.Rejected, 404)
		}},
		{"the only one fails", with(first, func(d *delivery.Delivery) { d.MaxAttempts = 1 }), attempt(outbound.DNS, 0), func(d *delivery.Delivery) {
			d.Status, d.Reason, d.JobID, d.DueAt = delivery.Failed, delivery.AttemptsExhausted, 0, time.Time{}
			d.Attempts, d.Made, d.FinishedAt = 1, 1, ended
			last(d, outbound.DNS, 0)
		}},
	})
}

func TestSettleKeepsWhatIsOlder(t *testing.T) {
	t.Parallel()
	checkSettled(t, []settling{
		{"what a person asked for is done, and the next is automatic", with(waiting(), func(d *delivery.Delivery) {
			d.NextTrigger, d.NextBy = delivery.SendNow, "ann"
		}), attempt(outbound.Rejected, 500), func(d *delivery.Delivery) {
			d.Attempts, d.Made, d.DueAt, d.NextTrigger, d.NextBy = 3, 3, ended.Add(wait), delivery.Automatic, ""
			last(d, outbound.Rejected, 500)
		}},
		{"a later run fails, the first ack's time stays", with(waiting(), func(d *delivery.Delivery) {
			d.Run, d.Attempts, d.MaxAttempts, d.FirstAckAt = 2, 0, 1, noon.Add(-time.Minute)
		}), attempt(outbound.Rejected, 500), func(d *delivery.Delivery) {
			d.Status, d.Reason, d.JobID, d.DueAt = delivery.Failed, delivery.AttemptsExhausted, 0, time.Time{}
			d.Attempts, d.Made, d.FinishedAt = 1, 3, ended
			last(d, outbound.Rejected, 500)
		}},
		{"a later run is acked, the first ack's time stays", with(waiting(), func(d *delivery.Delivery) {
			d.Run, d.Attempts, d.FirstAckAt = 2, 0, noon.Add(-time.Minute)
		}), attempt(outbound.Acked, 200), func(d *delivery.Delivery) {
			delivered(d)
			d.Attempts, d.Made, d.FirstAckAt = 1, 3, noon.Add(-time.Minute)
		}},
		{"a retry waits behind first attempts", with(waiting(), func(d *delivery.Delivery) {
			d.NextTrigger, d.NextBy, d.Priority = delivery.SendNow, "ann", delivery.First
		}), attempt(outbound.Timeout, 0), func(d *delivery.Delivery) {
			d.Attempts, d.Made, d.DueAt, d.Priority = 3, 3, ended.Add(wait), delivery.Late
			d.NextTrigger, d.NextBy = delivery.Automatic, ""
			last(d, outbound.Timeout, 0)
		}},
		{"a retry of one of many still waits behind all others", with(waiting(), func(d *delivery.Delivery) {
			d.NextTrigger, d.NextBy, d.Priority = delivery.Resend, "ann", delivery.Bulk
		}), attempt(outbound.Timeout, 0), func(d *delivery.Delivery) {
			d.Attempts, d.Made, d.DueAt = 3, 3, ended.Add(wait)
			d.NextTrigger, d.NextBy = delivery.Automatic, ""
			last(d, outbound.Timeout, 0)
		}},
		{"a probe is acked", withJob(waiting().Hold(delivery.Failing, noon).Probe(), 78), attempt(outbound.Acked, 200), func(d *delivery.Delivery) {
			delivered(d)
			d.Attempts, d.Made = 3, 3
		}},
		{"a probe fails for the last time", with(withJob(waiting().Hold(delivery.Failing, noon).Probe(), 78), func(d *delivery.Delivery) {
			d.Attempts = 10
		}), attempt(outbound.Refused, 0), func(d *delivery.Delivery) {
			d.Status, d.Reason, d.JobID, d.DueAt, d.HeldAt = delivery.Failed, delivery.AttemptsExhausted, 0, time.Time{}, time.Time{}
			d.Attempts, d.Made, d.FinishedAt = 11, 3, ended
			last(d, outbound.Refused, 0)
		}},
		{"the numbers go on over all runs", with(waiting(), func(d *delivery.Delivery) { d.Run, d.Attempts, d.Made = 3, 0, 22 }), attempt(outbound.Reset, 0), func(d *delivery.Delivery) {
			d.Attempts, d.Made, d.DueAt = 1, 23, ended.Add(wait)
			last(d, outbound.Reset, 0)
		}},
	})
}

// TestSettleEveryClass: only an ack delivers, and only our own stop is free.
func TestSettleEveryClass(t *testing.T) {
	t.Parallel()
	for _, class := range outbound.Classes() {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			want := with(waiting(), func(d *delivery.Delivery) { d.Made = 3 })
			counted := true
			switch class {
			case outbound.Acked:
				delivered(&want)
				want.Attempts, want.LastCode = 3, 0
			case outbound.Interrupted:
				counted = false
				want.DueAt, want.Uncounted = ended.Add(time.Second), 1
			default:
				want.Attempts, want.DueAt = 3, ended.Add(wait)
				last(&want, class, 0)
			}
			got, a := delivery.Settle(waiting(), waiting().Claim(), attempt(class, 0), wait)
			if found := diff(want, got); found != "" {
				t.Errorf("(-want +got)\n%s", found)
			}
			if a.Counted != counted || a.Number != 3 || a.Run != 1 {
				t.Errorf("got counted %v, number %d, run %d; want %v, 3, 1", a.Counted, a.Number, a.Run, counted)
			}
		})
	}
}

// TestSettleInterruptedIsFree: it is made up for in a second, and what a person
// asked for still stands.
func TestSettleInterruptedIsFree(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]delivery.Delivery{
		"the last of a run": with(waiting(), func(d *delivery.Delivery) { d.Attempts = 10 }),
		"one a person asked for": with(waiting(), func(d *delivery.Delivery) {
			d.NextTrigger, d.NextBy, d.Priority = delivery.Resend, "ann", delivery.First
		}),
		"a probe, held all along": withJob(waiting().Hold(delivery.Failing, noon).Probe(), 78),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, a := delivery.Settle(before, before.Claim(), attempt(outbound.Interrupted, 0), wait)
			want := with(before, func(d *delivery.Delivery) { d.Made, d.DueAt, d.Uncounted = 3, ended.Add(time.Second), 1 })
			if found := diff(want, got); found != "" {
				t.Errorf("(-want +got)\n%s", found)
			}
			if a.Counted {
				t.Error("it was counted")
			}
		})
	}
}

// TestSettleOurSide: while our own side fails the waits grow, the delivery is held
// after five in a row, and only the first and the fifth are stored. No attempt is
// charged, however long it goes on.
func TestSettleOurSide(t *testing.T) {
	t.Parallel()
	var (
		seconds = []int{1, 2, 4, 8, 16, 32, 60, 60, 60}
		d       = waiting()
		made    = d.Made
	)
	for n := 1; n <= 100; n++ {
		if d.Status == delivery.Held {
			d = withJob(d.Release(d.DueAt), int64(100+n))
		}
		got, a := delivery.Settle(d, d.Claim(), attempt(outbound.Interrupted, 0), wait)
		stored := n == 1 || n == 5
		if stored {
			made++
		}
		want := with(d, func(d *delivery.Delivery) {
			d.Made, d.Uncounted, d.DueAt = made, n, ended.Add(time.Duration(seconds[min(n, len(seconds))-1])*time.Second)
			if n >= 5 {
				d.Status, d.Reason, d.HeldAt, d.JobID = delivery.Held, delivery.OurSide, ended, 0
			}
		})
		if found := diff(want, got); found != "" {
			t.Fatalf("attempt %d (-want +got)\n%s", n, found)
		}
		if a.Counted || a.Unstored == stored || a.Number != max(made, a.Number) {
			t.Fatalf("attempt %d: counted %v, unstored %v, number %d", n, a.Counted, a.Unstored, a.Number)
		}
		d = got
	}
	for name, next := range map[string]delivery.Delivery{
		"sent now": withJob(d.SendNow("ann", ended), 1), "sent again": withJob(d.Reopen("ann", 11, ended), 1),
	} {
		if got, a := delivery.Settle(next, next.Claim(), attempt(outbound.Interrupted, 0), wait); got.Uncounted != 1 || a.Unstored {
			t.Errorf("%s: %d in a row, unstored %v; want a new row", name, got.Uncounted, a.Unstored)
		}
	}
	for _, class := range []outbound.Class{outbound.Acked, outbound.Refused} {
		next := withJob(d.Release(ended), 1)
		got, a := delivery.Settle(next, next.Claim(), attempt(class, 0), wait)
		if got.Uncounted != 0 || !a.Counted || a.Unstored || got.Attempts != 3 || got.Made != made+1 {
			t.Errorf("%s: %+v", class, got)
		}
	}
}

// TestSettleFencedIsStored: what a worker brings that no longer has the right to
// act is history, and no row of ours.
func TestSettleFencedIsStored(t *testing.T) {
	t.Parallel()
	d := with(waiting(), func(d *delivery.Delivery) { d.JobID, d.Uncounted = 78, 3 })
	got, a := delivery.Settle(d, waiting().Claim(), attempt(outbound.Interrupted, 0), wait)
	if got.Uncounted != 3 || a.Unstored || got.Made != d.Made+1 {
		t.Errorf("%+v", got)
	}
}

// TestSettleFenced has deliveries that moved while the attempt was under way,
// which began with the claim of waiting.
func TestSettleFenced(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before delivery.Delivery
		acked  func(*delivery.Delivery) // what an ack makes of it
	}{
		{"another job", with(waiting(), func(d *delivery.Delivery) { d.JobID = 78 }), delivered},
		{"another job that a person asked for", with(waiting(), func(d *delivery.Delivery) {
			d.JobID, d.NextTrigger, d.NextBy = 78, delivery.SendNow, "ann"
		}), delivered},
		{"another run", with(waiting(), func(d *delivery.Delivery) { d.Run = 2 }), delivered},
		{"another run with a job of its own", with(waiting(), func(d *delivery.Delivery) {
			d.Run, d.JobID, d.Attempts, d.Status, d.NextTrigger, d.NextBy = 2, 78, 0, delivery.Queued, delivery.Resend, "ann"
		}), delivered},
		{"an attempt was counted already", with(waiting(), func(d *delivery.Delivery) { d.Attempts = 3 }), delivered},
		{"the last attempt was counted already", with(waiting(), func(d *delivery.Delivery) { d.Attempts = 10 }), delivered},
		{"held", waiting().Hold(delivery.Paused, noon), delivered},
		{"cancelled", with(waiting(), cancelled), delivered},
		{"failed", failed, delivered},
		{"delivered before", with(waiting(), func(d *delivery.Delivery) {
			delivered(d)
			d.FirstAckAt, d.FinishedAt = noon, noon
		}), func(d *delivery.Delivery) { last(d, outbound.Acked, 200) }},
		{"delivered after", with(waiting(), func(d *delivery.Delivery) {
			delivered(d)
			d.FirstAckAt, d.FinishedAt = noon.Add(time.Minute), noon.Add(time.Minute)
		}), func(d *delivery.Delivery) {
			d.FirstAckAt = ended
			last(d, outbound.Acked, 200)
		}},
		{"delivered once, and failed in a later run", with(failed, func(d *delivery.Delivery) {
			d.Run, d.FirstAckAt = 2, noon.Add(-time.Hour)
		}), func(d *delivery.Delivery) {
			delivered(d)
			d.FirstAckAt = noon.Add(-time.Hour)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, class := range []outbound.Class{outbound.Acked, outbound.Rejected, outbound.Interrupted} {
				want := with(tt.before, func(d *delivery.Delivery) { d.Made++ })
				if class == outbound.Acked {
					tt.acked(&want)
				}
				got, a := delivery.Settle(tt.before, waiting().Claim(), attempt(class, 200), wait)
				if found := diff(want, got); found != "" {
					t.Errorf("%s (-want +got)\n%s", class, found)
				}
				wantAttempt := attempt(class, 200)
				wantAttempt.Run, wantAttempt.Number = 1, 3
				if diff := cmp.Diff(wantAttempt, a); diff != "" {
					t.Errorf("%s: attempt (-want +got)\n%s", class, diff)
				}
			}
		})
	}
}

// TestSettleWithoutJobIsFenced: no worker has the right to act on a delivery
// without a job, not even one that saw it so.
func TestSettleWithoutJobIsFenced(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]delivery.Delivery{
		"held":      waiting().Hold(delivery.Paused, noon),
		"cancelled": with(waiting(), cancelled),
	} {
		got, a := delivery.Settle(before, before.Claim(), attempt(outbound.Rejected, 500), wait)
		if a.Counted {
			t.Errorf("%s: it was counted", name)
		}
		if diff := cmp.Diff(with(before, func(d *delivery.Delivery) { d.Made++ }), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
