package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

// TestSlow: a destination that answers 429 is left alone for as long as it asks,
// within bounds.
func TestSlow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		before     time.Duration // slow until then
		retryAfter time.Duration
		want       time.Duration
	}{
		{"as long as it asks", 0, time.Minute, time.Minute},
		{"no longer than the bound", 0, longest + 1, longest},
		{"the bound itself", 0, longest, longest},
		{"an earlier answer asked for more", time.Hour, time.Minute, time.Hour},
		{"an earlier answer asked for less", time.Minute, time.Hour, time.Hour},
		{"it asks for nothing", 0, 0, 0},
	} {
		h := delivery.Health{SlowUntil: at(tt.before)}.After(busy(1, noon, tt.retryAfter), true, longest)
		if !h.SlowUntil.Equal(at(tt.want)) {
			t.Errorf("%s: got slow until %s, want %s", tt.name, h.SlowUntil, at(tt.want))
		}
	}
	for code, asks := range map[int]map[time.Duration]time.Duration{
		503: {time.Hour: time.Minute, time.Minute: time.Minute, time.Second: time.Second, 0: 0},
		500: {time.Hour: 0},
	} {
		for retryAfter, want := range asks {
			other := try(1, outbound.Rejected, code, noon)
			other.RetryAfter = retryAfter
			got := (delivery.Health{}).After(other, true, longest)
			if want == 0 && !got.SlowUntil.IsZero() || want > 0 && !got.SlowUntil.Equal(at(want)) {
				t.Errorf("a %d that asks for %s made it slow until %s", code, retryAfter, got.SlowUntil)
			}
		}
	}
}

func TestHeldByHealth(t *testing.T) {
	t.Parallel()
	slow := delivery.Health{SlowUntil: at(time.Minute)}
	probed := down().GrantProbe(nth(9), at(time.Hour))
	slowProbed := probed
	slowProbed.SlowUntil = at(time.Hour)
	for _, tt := range []struct {
		name   string
		health delivery.Health
		id     uuid.UUID
		now    time.Time
		want   delivery.Reason
	}{
		{"it answers", delivery.Health{}, nth(1), noon, ""},
		{"it is slow", slow, nth(1), at(time.Minute - 1), delivery.Busy},
		{"it was slow", slow, nth(1), at(time.Minute), ""},
		{"it keeps failing", down(), nth(1), at(time.Minute), delivery.Failing},
		{"it has kept failing for a year", down(), nth(1), at(365 * 24 * time.Hour), delivery.Failing},
		{"the probe", probed, nth(9), at(time.Minute), ""},
		{"another than the probe", probed, nth(1), at(time.Minute), delivery.Failing},
		{"failing goes before slow", slowProbed, nth(1), at(time.Minute), delivery.Failing},
		{"the probe of a late worker, while no other has the right", probed, nth(9), at(2 * time.Hour), ""},
		{"mended", probed.Reset(), nth(1), at(time.Minute), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := holdFor(tt.health, tt.id, tt.now); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestProbesGrowRare: each failed one puts the next off, in the end by a minute.
func TestProbesGrowRare(t *testing.T) {
	t.Parallel()
	h, now := down(), at(30*time.Second)
	waits := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}
	for i := range 200 {
		want := now.Add(waits[min(i, len(waits)-1)])
		switch {
		case !h.NextProbeAt.Equal(want):
			t.Fatalf("after %d probes: got the next at %s, want %s", i, h.NextProbeAt, want)
		case h.MayProbe(want.Add(-1)) || !h.MayProbe(want):
			t.Fatalf("after %d probes: it may not be probed at %s, or before", i, want)
		}
		h = h.GrantProbe(nth(byte(i)), want.Add(time.Minute))
		now = want.Add(3 * time.Second)
		h = h.After(refused(byte(i), now), true, longest)
		if h.Probes != i+1 || h.Probing != uuid.Nil || !h.ProbeUntil.IsZero() || !h.HeldSince.Equal(at(30*time.Second)) {
			t.Fatalf("after probe %d: %+v", i+1, h)
		}
	}
	h = h.GrantProbe(nth(1), now).After(try(1, outbound.Acked, 200, now), true, longest)
	for _, a := range failures(10, 3, time.Hour) {
		a.StartedAt = a.StartedAt.Add(now.Sub(noon))
		h = h.After(a, true, longest)
	}
	if want := now.Add(time.Hour + 5*time.Second); !h.NextProbeAt.Equal(want) {
		t.Errorf("down again, got the first probe at %s, want %s", h.NextProbeAt, want)
	}
}

// TestOneProbes has the right to probe from hand to hand.
func TestOneProbes(t *testing.T) {
	t.Parallel()
	until := at(2 * time.Minute)
	h := down().GrantProbe(nth(9), until)
	if h.MayProbe(until.Add(-1)) {
		t.Error("another may probe while one does")
	}
	if !h.MayProbe(until) {
		t.Error("nobody may probe after the probe is lost")
	}
	h = h.GrantProbe(nth(8), until.Add(time.Minute))
	if holdFor(h, nth(9), until) != delivery.Failing || holdFor(h, nth(8), until) != "" {
		t.Error("the right has not passed on")
	}
	if h.MayProbe(until) {
		t.Error("a third may probe")
	}
	if (delivery.Health{}).MayProbe(until) {
		t.Error("one that is healthy is probed")
	}
}

// TestOthersDoNotProbe: what began before its deliveries were held, or had the right
// to probe once, fails late, and changes nothing of when it is probed.
func TestOthersDoNotProbe(t *testing.T) {
	t.Parallel()
	lost := down().GrantProbe(nth(9), at(time.Minute)).GrantProbe(nth(8), at(2*time.Minute))
	for name, h := range map[string]delivery.Health{"nobody probes": down(), "another probes": lost} {
		want := h
		for i, a := range []delivery.Attempt{
			refused(9, at(70*time.Second)), refused(1, at(80*time.Second)),
			uncounted(refused(9, at(80*time.Second))), test(refused(8, at(80*time.Second))),
			test(busy(8, at(80*time.Second), time.Hour)), uncounted(busy(9, at(80*time.Second), time.Hour)),
		} {
			h = h.After(a, i%2 == 0, longest)
		}
		want.Failures, want.Unacked, want.UnackedAt = want.Failures+2, want.Unacked+2, at(80*time.Second)
		want.LastFailureAt, want.LastClass = at(80*time.Second), outbound.Refused
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// TestBusyMendsNothing: a destination that fails is not well because it answers 429.
// A probe that gets one has failed, and the next waits for as long as was asked.
func TestBusyMendsNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		of         byte
		retryAfter time.Duration
		probes     int
		next       time.Time
	}{
		"of the probe":                           {9, time.Second, 1, at(50 * time.Second)},
		"of the probe, asking for more":          {9, time.Minute, 1, at(100 * time.Second)},
		"of the probe, asking for more than may": {9, longest + 1, 1, at(40*time.Second + longest)},
		"of another delivery":                    {1, time.Minute, 0, at(35 * time.Second)},
	} {
		before := down().GrantProbe(nth(9), at(time.Hour))
		h := before.After(busy(tt.of, at(40*time.Second), tt.retryAfter), true, longest)
		want := before
		want.SlowUntil = at(40*time.Second + min(tt.retryAfter, longest))
		want.LastFailureAt, want.LastClass, want.LastCode = at(40*time.Second), outbound.Rejected, 429
		want.Unacked, want.UnackedAt = 11, at(40*time.Second)
		want.Probes, want.NextProbeAt = tt.probes, tt.next
		if tt.of == 9 {
			want.Probing, want.ProbeUntil = uuid.Nil, time.Time{}
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("a 429 %s (-want +got)\n%s", name, diff)
		}
		if !h.Holding() || holdFor(h, nth(1), at(time.Minute)) != delivery.Failing {
			t.Errorf("a 429 %s: %+v", name, h)
		}
	}
}

// TestUncountedProbe: it has shown nothing, so that the next may go at once.
func TestUncountedProbe(t *testing.T) {
	t.Parallel()
	h := down().GrantProbe(nth(9), at(time.Hour))
	got := h.After(uncounted(try(9, outbound.Interrupted, 0, at(40*time.Second))), true, longest)
	if diff := cmp.Diff(down(), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !got.MayProbe(at(40 * time.Second)) {
		t.Error("nobody may probe")
	}
}

// TestProbeOfOneThatAnswers: it was mended while the probe was under way, which
// fails like any other.
func TestProbeOfOneThatAnswers(t *testing.T) {
	t.Parallel()
	h := down().GrantProbe(nth(9), at(time.Hour)).Reset().After(refused(9, at(time.Minute)), true, longest)
	want := delivery.Health{
		Failures: 1, FailedDeliveries: []uuid.UUID{nth(9)}, FailingSince: at(59 * time.Second),
		Unacked: 1, UnackedAt: at(time.Minute),
		LastFailureAt: at(time.Minute), LastClass: outbound.Refused,
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
