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
		Status: delivery.Queued, Run: 1, MaxAttempts: 5, DueAt: noon, NextTrigger: delivery.Automatic, CreatedAt: noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
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
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestForced(t *testing.T) {
	t.Parallel()
	for trigger, want := range map[delivery.Trigger]bool{
		delivery.Automatic: false, delivery.Resend: true, delivery.SendNow: true,
	} {
		if got := (delivery.Delivery{NextTrigger: trigger}).Forced(); got != want {
			t.Errorf("%s: got %v, want %v", trigger, got, want)
		}
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
			if diff := cmp.Diff(with(tt.before, tt.want), tt.got(tt.before)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// asked is one that a person wants sent now, untried one without an attempt.
var (
	asked   = with(waiting(), func(d *delivery.Delivery) { d.NextTrigger, d.NextBy = delivery.SendNow, "ann" })
	untried = with(waiting(), func(d *delivery.Delivery) { d.Status, d.Attempts = delivery.Queued, 0 })
	later   = noon.Add(time.Hour)
)

func TestHoldReleaseCancel(t *testing.T) {
	t.Parallel()
	checkMoves(t, []move{
		{
			"a hold takes the job and keeps when it is due, and what was asked for", asked,
			func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.Misconfigured) },
			func(d *delivery.Delivery) { d.Status, d.Reason, d.JobID = delivery.Held, delivery.Misconfigured, 0 },
		},
		{
			"a second hold changes the reason", waiting().Hold(delivery.Paused),
			func(d delivery.Delivery) delivery.Delivery { return d.Hold(delivery.NotAnswering) },
			func(d *delivery.Delivery) { d.Reason = delivery.NotAnswering },
		},
		{
			"a release of one that was tried", waiting().Hold(delivery.Paused), delivery.Delivery.Release,
			func(d *delivery.Delivery) { d.Status, d.Reason = delivery.Retrying, "" },
		},
		{
			"a release of one that was not", untried.Hold(delivery.Paused), delivery.Delivery.Release,
			func(d *delivery.Delivery) { d.Status, d.Reason = delivery.Queued, "" },
		},
		{"a release of one that is not held", waiting(), delivery.Delivery.Release, func(*delivery.Delivery) {}},
		{
			"a cancel of a waiting one", asked,
			func(d delivery.Delivery) delivery.Delivery { return d.Cancel(delivery.ByPerson, noon.Add(time.Second)) },
			func(d *delivery.Delivery) {
				cancelled(d)
				d.NextTrigger, d.NextBy = delivery.Automatic, ""
			},
		},
		{
			"a cancel of a held one", waiting().Hold(delivery.Paused),
			func(d delivery.Delivery) delivery.Delivery { return d.Cancel(delivery.DestinationDeleted, later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.DueAt, d.FinishedAt = delivery.Cancelled, delivery.DestinationDeleted, time.Time{}, later
			},
		},
		{
			"a cancel after an earlier ack keeps its time", with(waiting(), func(d *delivery.Delivery) { d.Run, d.FirstAckAt = 2, noon }),
			func(d delivery.Delivery) delivery.Delivery { return d.Cancel(delivery.ByPerson, noon.Add(time.Second)) }, cancelled,
		},
	})
}

func TestReopenAndHasten(t *testing.T) {
	t.Parallel()
	acked := with(waiting(), func(d *delivery.Delivery) {
		delivered(d)
		d.Attempts, d.Made = 3, 3
	})
	checkMoves(t, []move{
		{
			"a re-send of a delivered one opens a run and keeps the first ack", acked,
			func(d delivery.Delivery) delivery.Delivery { return d.Reopen("ann", 4, later) },
			func(d *delivery.Delivery) {
				d.Status, d.DueAt, d.FinishedAt = delivery.Queued, later, time.Time{}
				d.Run, d.Attempts, d.MaxAttempts, d.NextTrigger, d.NextBy = 2, 0, 4, delivery.Resend, "ann"
			},
		},
		{
			"a re-send of a held one", waiting().Hold(delivery.Paused),
			func(d delivery.Delivery) delivery.Delivery { return d.Reopen("ann", 11, later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.DueAt = delivery.Queued, "", later
				d.Run, d.Attempts, d.NextTrigger, d.NextBy = 2, 0, delivery.Resend, "ann"
			},
		},
		{
			"send now of one that waits", waiting(),
			func(d delivery.Delivery) delivery.Delivery { return d.Hasten("ann", later) },
			func(d *delivery.Delivery) { d.DueAt, d.NextTrigger, d.NextBy = later, delivery.SendNow, "ann" },
		},
		{
			"send now of one that is held", untried.Hold(delivery.Paused),
			func(d delivery.Delivery) delivery.Delivery { return d.Hasten("ann", later) },
			func(d *delivery.Delivery) {
				d.Status, d.Reason, d.DueAt, d.NextTrigger, d.NextBy = delivery.Queued, "", later, delivery.SendNow, "ann"
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
