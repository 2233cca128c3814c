package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

func TestNew(t *testing.T) {
	t.Parallel()
	alertID, destinationID := uuid.New(), uuid.New()
	got := delivery.New(alertID, destinationID, delivery.ByOverride, 5, noon)
	want := delivery.Delivery{
		ID: got.ID, AlertID: alertID, DestinationID: destinationID, RoutedBy: delivery.ByOverride,
		Status: delivery.Queued, Run: 1, MaxAttempts: 5, Priority: delivery.First, DueAt: noon, NextTrigger: delivery.Automatic, CreatedAt: noon,
	}
	if found := diff(want, got); found != "" {
		t.Errorf("(-want +got)\n%s", found)
	}
	if got.ID.Version() != 7 || got.ID == delivery.New(alertID, destinationID, delivery.ByOverride, 5, noon).ID {
		t.Errorf("got id %s, want a UUIDv7 of its own", got.ID)
	}
}

func TestFinalStatuses(t *testing.T) {
	t.Parallel()
	want := map[delivery.Status]bool{
		delivery.Queued: false, delivery.Retrying: false, delivery.Held: false,
		delivery.Delivered: true, delivery.Failed: true, delivery.Cancelled: true,
	}
	got := map[delivery.Status]bool{}
	for _, s := range delivery.Statuses() {
		got[s] = s.Final()
	}
	if found := diff(want, got); found != "" {
		t.Errorf("(-want +got)\n%s", found)
	}
}

// TestManual: what one person asked for goes out whatever its destination is held
// for; a re-send of many waits like the rest.
func TestManual(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		trigger  delivery.Trigger
		priority delivery.Priority
		want     bool
	}{
		{delivery.Automatic, delivery.First, false},
		{delivery.Automatic, delivery.Late, false},
		{delivery.Automatic, delivery.Bulk, false},
		{delivery.Resend, delivery.First, true},
		{delivery.Resend, delivery.Bulk, false},
		{delivery.SendNow, delivery.First, true},
		{delivery.SendNow, delivery.Late, true},
	} {
		d := delivery.Delivery{NextTrigger: tt.trigger, Priority: tt.priority}
		if got := d.Manual(); got != tt.want {
			t.Errorf("%s with priority %d: got %v, want %v", tt.trigger, tt.priority, got, tt.want)
		}
	}
}

// TestPriorities: they are stored, and the queue's own.
func TestPriorities(t *testing.T) {
	t.Parallel()
	if delivery.First != 1 || delivery.Late != 2 || delivery.Bulk != 4 {
		t.Errorf("got %d, %d, %d; want 1, 2, 4", delivery.First, delivery.Late, delivery.Bulk)
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	d := with(waiting(), func(d *delivery.Delivery) { d.Run = 4 })
	if diff := cmp.Diff(delivery.Claim{JobID: 77, Run: 4, Attempts: 2}, d.Claim()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// move is one step of a delivery and what it changes.
type move struct {
	name   string
	before delivery.Delivery
	got    func(delivery.Delivery) delivery.Delivery
	want   func(*delivery.Delivery)
}

func checkMoves(t *testing.T, moves []move) {
	t.Helper()
	for _, tt := range moves {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if found := diff(with(tt.before, tt.want), tt.got(tt.before)); found != "" {
				t.Errorf("(-want +got)\n%s", found)
			}
		})
	}
}

// asked is one that a person wants sent now, untried one without an attempt.
var (
	asked   = with(waiting(), func(d *delivery.Delivery) { d.NextTrigger, d.NextBy = delivery.SendNow, "ann" })
	untried = with(waiting(), func(d *delivery.Delivery) { d.Status, d.Attempts, d.Priority = delivery.Queued, 0, delivery.First })
	later   = noon.Add(time.Hour)
)

func withJob(d delivery.Delivery, id int64) delivery.Delivery {
	d.JobID = id
	return d
}

func TestHold(t *testing.T) {
	t.Parallel()
	held := waiting().Hold(delivery.Failing, noon)
	checkMoves(t, []move{
		{
			"a hold takes the job and keeps when it is due, and what was asked for", asked,
			func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.Misconfigured, later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.JobID, d.HeldAt = delivery.Held, delivery.Misconfigured, 0, later
			},
		},
		{
			"a second hold for the same reason changes nothing", held,
			func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.Failing, later) },
			func(*delivery.Delivery) {},
		},
		{
			"a second hold for another reason begins anew", waiting().Hold(delivery.Paused, noon),
			func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.Failing, later) },
			func(d *delivery.Delivery) { d.Reason, d.HeldAt = delivery.Failing, later },
		},
		{
			"a hold after a release begins anew", held.Release(noon),
			func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.Failing, later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.HeldAt = delivery.Held, delivery.Failing, later
			},
		},
		{
			"a hold after a probe goes on", withJob(held.Probe(), 78),
			func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.Failing, later) },
			func(d *delivery.Delivery) { d.Status, d.Reason, d.JobID = delivery.Held, delivery.Failing, 0 },
		},
		{
			"a hold for another reason after a probe begins anew", withJob(held.Probe(), 78),
			func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.Paused, later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.JobID, d.HeldAt = delivery.Held, delivery.Paused, 0, later
			},
		},
	})
}

func TestEndOfHold(t *testing.T) {
	t.Parallel()
	bulk := with(untried, func(d *delivery.Delivery) { d.Priority = delivery.Bulk })
	release := func(now time.Time) func(delivery.Delivery) delivery.Delivery {
		return func(d delivery.Delivery) delivery.Delivery { return d.Release(now) }
	}
	checkMoves(t, []move{
		{
			"a release of one that has been due for long: it was not late", untried.Hold(delivery.Paused, noon), release(later),
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.HeldAt, d.DueAt = delivery.Queued, "", time.Time{}, later
			},
		},
		{
			"a release of one that was tried", waiting().Hold(delivery.Paused, noon), release(noon),
			func(d *delivery.Delivery) { d.Status, d.Reason, d.HeldAt = delivery.Retrying, "", time.Time{} },
		},
		{
			"a release of one that was not", untried.Hold(delivery.Paused, noon), release(noon),
			func(d *delivery.Delivery) { d.Status, d.Reason, d.HeldAt = delivery.Queued, "", time.Time{} },
		},
		{
			"a release of one of many keeps its place", bulk.Hold(delivery.Busy, noon), release(noon),
			func(d *delivery.Delivery) { d.Status, d.Reason, d.HeldAt = delivery.Queued, "", time.Time{} },
		},
		{"a release of one that is not held", waiting(), release(noon), func(*delivery.Delivery) {}},
		{
			"a probe of one that was tried counts as held all along", waiting().Hold(delivery.Failing, noon), delivery.Delivery.Probe,
			func(d *delivery.Delivery) { d.Status, d.Reason = delivery.Retrying, "" },
		},
		{
			"a probe of one that was not counts as held all along", untried.Hold(delivery.Failing, noon), delivery.Delivery.Probe,
			func(d *delivery.Delivery) { d.Status, d.Reason = delivery.Queued, "" },
		},
		{
			"held for too long", asked.Hold(delivery.Failing, noon),
			func(d delivery.Delivery) delivery.Delivery { return d.Expire(later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.FinishedAt = delivery.Failed, delivery.Expired, later
				d.DueAt, d.HeldAt, d.NextTrigger, d.NextBy = time.Time{}, time.Time{}, delivery.Automatic, ""
			},
		},
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	checkMoves(t, []move{
		{
			"a waiting one", asked,
			func(d delivery.Delivery) delivery.Delivery { return d.Cancel(delivery.ByPerson, noon.Add(time.Second)) },
			func(d *delivery.Delivery) {
				cancelled(d)
				d.NextTrigger, d.NextBy = delivery.Automatic, ""
			},
		},
		{
			"a held one", waiting().Hold(delivery.Paused, noon),
			func(d delivery.Delivery) delivery.Delivery { return d.Cancel(delivery.DestinationDeleted, later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.FinishedAt = delivery.Cancelled, delivery.DestinationDeleted, later
				d.DueAt, d.HeldAt = time.Time{}, time.Time{}
			},
		},
		{
			"after an earlier ack its time is kept", with(waiting(), func(d *delivery.Delivery) { d.Run, d.FirstAckAt = 2, noon }),
			func(d delivery.Delivery) delivery.Delivery { return d.Cancel(delivery.ByPerson, noon.Add(time.Second)) }, cancelled,
		},
	})
}

func TestReopenAndSendNow(t *testing.T) {
	t.Parallel()
	acked := with(waiting(), func(d *delivery.Delivery) {
		delivered(d)
		d.Attempts, d.Made = 3, 3
	})
	bulk := with(waiting(), func(d *delivery.Delivery) { d.Priority = delivery.Bulk })
	checkMoves(t, []move{
		{
			"a re-send of a delivered one opens a run and keeps the first ack", acked,
			func(d delivery.Delivery) delivery.Delivery { return d.Reopen("ann", 4, later) },
			func(d *delivery.Delivery) {
				d.Status, d.DueAt, d.FinishedAt, d.Priority = delivery.Queued, later, time.Time{}, delivery.First
				d.Run, d.Attempts, d.MaxAttempts, d.NextTrigger, d.NextBy = 2, 0, 4, delivery.Resend, "ann"
			},
		},
		{
			"a re-send of a held one", bulk.Hold(delivery.Paused, noon),
			func(d delivery.Delivery) delivery.Delivery { return d.Reopen("ann", 11, later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.DueAt, d.HeldAt, d.Priority = delivery.Queued, "", later, time.Time{}, delivery.First
				d.Run, d.Attempts, d.NextTrigger, d.NextBy = 2, 0, delivery.Resend, "ann"
			},
		},
		{
			"send now of one that waits", waiting(),
			func(d delivery.Delivery) delivery.Delivery { return d.SendNow("ann", later) },
			func(d *delivery.Delivery) {
				d.DueAt, d.NextTrigger, d.NextBy, d.Priority = later, delivery.SendNow, "ann", delivery.First
			},
		},
		{
			"send now of one of many goes first", bulk,
			func(d delivery.Delivery) delivery.Delivery { return d.SendNow("ann", later) },
			func(d *delivery.Delivery) {
				d.DueAt, d.NextTrigger, d.NextBy, d.Priority = later, delivery.SendNow, "ann", delivery.First
			},
		},
		{
			"send now of one that is held", untried.Hold(delivery.Paused, noon),
			func(d delivery.Delivery) delivery.Delivery { return d.SendNow("ann", later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.HeldAt, d.DueAt = delivery.Queued, "", time.Time{}, later
				d.NextTrigger, d.NextBy = delivery.SendNow, "ann"
			},
		},
		{
			"send now of a probe ends its hold", withJob(waiting().Hold(delivery.Failing, noon).Probe(), 77),
			func(d delivery.Delivery) delivery.Delivery { return d.SendNow("ann", later) },
			func(d *delivery.Delivery) {
				d.HeldAt, d.DueAt, d.Priority = time.Time{}, later, delivery.First
				d.NextTrigger, d.NextBy = delivery.SendNow, "ann"
			},
		},
	})
}

// TestAckAfterFailuresAndReopening is one life from end to end.
func TestAckAfterFailuresAndReopening(t *testing.T) {
	t.Parallel()
	d := delivery.New(uuid.New(), uuid.New(), delivery.ByFilters, 2, noon)
	d.JobID = 1
	d, _ = delivery.Settle(d, d.Claim(), attempt(outbound.Refused, 0), wait)
	d, _ = delivery.Settle(d, d.Claim(), attempt(outbound.Rejected, 500), wait)
	if d.Status != delivery.Failed {
		t.Fatalf("got %s, want failed", d.Status)
	}
	d = d.Reopen("ann", 2, noon)
	d.JobID = 2
	d, a := delivery.Settle(d, d.Claim(), attempt(outbound.Acked, 200), wait)
	if d.Status != delivery.Delivered || d.Run != 2 || d.Attempts != 1 || a.Number != 3 || a.Run != 2 {
		t.Errorf("got %+v, %+v", d, a)
	}
}
