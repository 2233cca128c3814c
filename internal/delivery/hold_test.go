package delivery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
)

// holdFor is HoldReason for a delivery of which only the id is known, to a
// destination of which only the health is.
func holdFor(h delivery.Health, id uuid.UUID, now time.Time) delivery.Reason {
	d := delivery.Delivery{ID: id, NextTrigger: delivery.Automatic}
	return delivery.HoldReason(d, delivery.Target{State: destination.Active, Usable: true, Health: h}, now)
}

// holdOrder is the one order of reasons. Each row says of every fact whether it
// must be so (1), must not (0), or does not matter (·); each combination of facts
// is in exactly one row.
//
//	misconfigured, manual, paused, failing, probing, slow, our side failing, full
const holdOrder = `
	1 · · · · · · ·  misconfigured
	0 1 · · · · 1 ·  our_side
	0 1 · · · · 0 1  busy
	0 1 · · · · 0 0  -
	0 0 1 · · · · ·  paused
	0 0 0 1 0 · · ·  failing
	0 0 0 1 1 · 1 ·  our_side
	0 0 0 1 1 · 0 1  busy
	0 0 0 1 1 · 0 0  -
	0 0 0 0 · · 1 ·  our_side
	0 0 0 0 · 1 0 ·  busy
	0 0 0 0 · 0 0 1  busy
	0 0 0 0 · 0 0 0  -`

// TestHoldReason looks at every combination, whatever the delivery was held for
// before and whichever of the things that a person can ask for it was.
func TestHoldReason(t *testing.T) {
	t.Parallel()
	for facts := range 1 << 8 {
		fact := func(n int) bool { return facts&(1<<n) != 0 }
		want := rowOf(t, fact)
		h := delivery.Health{}
		if fact(3) {
			h = down()
		}
		if fact(4) {
			h = h.GrantProbe(nth(1), at(time.Hour))
		}
		if fact(5) {
			h.SlowUntil = at(time.Hour)
		}
		target := delivery.Target{State: destination.Active, Usable: !fact(0), Health: h, Full: fact(7)}
		if fact(2) {
			target.State = destination.Paused
		}
		triggers := []delivery.Trigger{delivery.Automatic}
		if fact(1) {
			triggers = []delivery.Trigger{delivery.Resend, delivery.SendNow}
		}
		for _, trigger := range triggers {
			for _, was := range append(delivery.HoldReasons(), "") {
				d := delivery.New(nth(2), nth(3), delivery.ByFilters, 11, noon)
				d.ID, d.NextTrigger = nth(1), trigger
				if was != "" {
					d = d.Hold(was, noon)
				}
				if fact(6) {
					d.Uncounted, d.DueAt = 5, at(time.Minute+1)
				}
				if got := delivery.HoldReason(d, target, at(time.Minute)); got != want {
					t.Errorf("facts %08b, asked by %s, held for %q: got %q, want %q", facts, trigger, was, got, want)
				}
			}
		}
		was := map[bool]delivery.Reason{true: delivery.OurSide, false: delivery.Busy}[fact(6)]
		if fact(1) {
			if got := target.HoldsManual(was, at(time.Minute)); got != want {
				t.Errorf("facts %08b: what was asked for got %q, want %q", facts, got, want)
			}
			continue
		}
		bulk := delivery.Delivery{ID: nth(1), NextTrigger: delivery.Resend, Priority: delivery.Bulk}
		if fact(6) {
			bulk.Uncounted, bulk.DueAt = 5, at(time.Minute+1)
		}
		if got := delivery.HoldReason(bulk, target, at(time.Minute)); got != want {
			t.Errorf("facts %08b: a re-send in bulk got %q, want %q", facts, got, want)
		}
		if got := target.HoldsOthers(was, at(time.Minute)); !fact(4) && got != want {
			t.Errorf("facts %08b: others got %q, want %q", facts, got, want)
		}
	}
}

// TestHoldReasons: all reasons that hold, in the order in which they are told.
func TestHoldReasons(t *testing.T) {
	t.Parallel()
	var told []delivery.Reason
	for row := range strings.Lines(strings.TrimSpace(holdOrder)) {
		if r := delivery.Reason(strings.Fields(row)[8]); r != "-" && !slices.Contains(told, r) {
			told = append(told, r)
		}
	}
	got := delivery.HoldReasons()
	for _, r := range told {
		if !slices.Contains(got, r) {
			t.Errorf("%q is missing", r)
		}
	}
	if len(got) != len(told) {
		t.Errorf("got %q, want %q", got, told)
	}
	if slices.Contains(delivery.Releasable(), delivery.OurSide) || len(delivery.Releasable()) != len(told)-1 {
		t.Errorf("releasable are %q", delivery.Releasable())
	}
}

// rowOf returns the reason of the one row that the facts are in.
func rowOf(t *testing.T, fact func(int) bool) delivery.Reason {
	t.Helper()
	var found []string
	for row := range strings.Lines(strings.TrimSpace(holdOrder)) {
		fields, in := strings.Fields(row), true
		for n := range 8 {
			in = in && (fields[n] == "·" || (fields[n] == "1") == fact(n))
		}
		if in {
			found = append(found, strings.Trim(fields[8], "-"))
		}
	}
	if len(found) != 1 {
		t.Fatalf("in %d rows, want one", len(found))
	}
	return delivery.Reason(found[0])
}

// TestOurSideEnds: with the wait since the last attempt, and with less than five in
// a row.
func TestOurSideEnds(t *testing.T) {
	t.Parallel()
	well := delivery.Target{State: destination.Active, Usable: true}
	for name, tt := range map[string]struct {
		uncounted int
		due       time.Time
		want      delivery.Reason
	}{
		"four in a row": {4, at(time.Hour), ""},
		"five in a row": {5, at(time.Hour), delivery.OurSide},
		"many in a row": {5000, at(1), delivery.OurSide},
		"it is due":     {5, noon, ""},
	} {
		d := delivery.Delivery{NextTrigger: delivery.Automatic, Uncounted: tt.uncounted, DueAt: tt.due}
		if got := delivery.HoldReason(d, well, noon); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// TestHoldsOthers: what holds all but the probe, probing or not.
func TestHoldsOthers(t *testing.T) {
	t.Parallel()
	target := delivery.Target{State: destination.Active, Usable: true, Health: down()}
	if got := target.HoldsOthers("", noon); got != delivery.Failing {
		t.Errorf("got %q", got)
	}
	target.Health = target.Health.GrantProbe(nth(1), at(time.Hour))
	if got := target.HoldsOthers("", noon); got != delivery.Failing {
		t.Errorf("while one probes: got %q", got)
	}
	target = delivery.TargetOf(destination.Destination{
		State: destination.Active, Settings: &destination.Webhook{}, Signing: destination.NewSigning(noon),
	}, delivery.Health{})
	if got := target.HoldsOthers("", noon); got != "" {
		t.Errorf("got %q of one that answers", got)
	}
	target = delivery.TargetOf(destination.Destination{State: destination.Paused}, delivery.Health{})
	if got := target.HoldsOthers("", noon); got != delivery.Misconfigured {
		t.Errorf("got %q of one without settings", got)
	}
	target = delivery.TargetOf(destination.Destination{State: destination.Active, Settings: &destination.Webhook{}}, delivery.Health{})
	if got := target.HoldsOthers("", noon); got != delivery.Misconfigured {
		t.Errorf("got %q of one without a signing secret", got)
	}
	target = delivery.TargetOf(destination.Destination{State: destination.Active, Unopened: destination.ErrNoKey}, delivery.Health{})
	if got := target.HoldsOthers("", noon); got != "" {
		t.Errorf("got %q of one that others can send to", got)
	}
}
