package delivery_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

const longest = 8 * time.Hour

// nth is the id of a delivery.
func nth(n byte) uuid.UUID { return uuid.UUID{15: n} }

// at is so long after noon.
func at(d time.Duration) time.Time { return noon.Add(d) }

// try is a counted attempt of the n-th delivery that took a second and ended at
// a time.
func try(n byte, class outbound.Class, code int, end time.Time) delivery.Attempt {
	return delivery.Attempt{
		ID: attemptID, DeliveryID: nth(n), Trigger: delivery.Automatic, Counted: true,
		Result: outbound.Result{Class: class, StatusCode: code, StartedAt: end.Add(-time.Second), Duration: time.Second},
	}
}

func refused(n byte, end time.Time) delivery.Attempt { return try(n, outbound.Refused, 0, end) }

func busy(n byte, end time.Time, retryAfter time.Duration) delivery.Attempt {
	a := try(n, outbound.Rejected, 429, end)
	a.RetryAfter = retryAfter
	return a
}

func uncounted(a delivery.Attempt) delivery.Attempt {
	a.Counted = false
	return a
}

func test(a delivery.Attempt) delivery.Attempt {
	a.Trigger, a.DeliveryID = delivery.Test, uuid.Nil
	return a
}

// failures are so many refused attempts in turn of so many deliveries. The first
// begins at noon, the last ends so long after.
func failures(count, deliveries int, over time.Duration) []delivery.Attempt {
	var list []delivery.Attempt
	for i := range count {
		list = append(list, refused(byte(1+i%deliveries), at(time.Second)))
	}
	list[count-1] = refused(byte(1+(count-1)%deliveries), at(over))
	return list
}

// busyFor are so many 429 of as many deliveries, evenly over so long.
func busyFor(count int, over time.Duration) []delivery.Attempt {
	var list []delivery.Attempt
	for i := range count {
		list = append(list, busy(byte(i), at(time.Duration(i)*over/time.Duration(count)), 0))
	}
	return list
}

func after(h delivery.Health, hold bool, list ...delivery.Attempt) delivery.Health {
	for _, a := range list {
		h = h.After(a, hold, longest)
	}
	return h
}

// down is a destination whose deliveries are held since half a minute after noon.
func down() delivery.Health {
	return after(delivery.Health{}, true, failures(10, 3, 30*time.Second)...)
}

func TestHolding(t *testing.T) {
	t.Parallel()
	want := delivery.Health{
		Failures: 10, FailedDeliveries: []uuid.UUID{nth(1), nth(2), nth(3)}, FailingSince: noon,
		Unacked: 10, UnackedAt: at(30 * time.Second),
		HeldSince: at(30 * time.Second), NextProbeAt: at(35 * time.Second),
		LastFailureAt: at(30 * time.Second), LastClass: outbound.Refused,
	}
	got := down()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !got.Holding() || (delivery.Health{}).Holding() {
		t.Error("its deliveries are not held, or those of one that was never sent to are")
	}
}

func TestWhenItHolds(t *testing.T) {
	t.Parallel()
	const long = 30 * time.Second
	enough := failures(10, 3, long)
	insert := func(a ...delivery.Attempt) []delivery.Attempt { return slices.Insert(slices.Clone(enough), 5, a...) }
	tests := []struct {
		name     string
		attempts []delivery.Attempt
		holds    bool
	}{
		{"just enough of each", enough, true},
		{"more of each", failures(1000, 200, time.Hour), true},
		{"one failure too few", failures(9, 3, 24*time.Hour), false},
		{"a nanosecond too soon", failures(10, 3, long-1), false},
		{"many at once", failures(1000, 200, long-1), false},
		{"one delivery too few", failures(1000, 2, 24*time.Hour), false},
		{"one alert that fails for ever", failures(10_000, 1, 365*24*time.Hour), false},
		{"one late failure of a third delivery", append(failures(9, 2, long), refused(3, at(long))), true},
		{"the last is a 429", append(failures(9, 3, long), busy(1, at(long+time.Second), 0)), true},
		{"the last is a 429 that was under way with the one before", append(failures(9, 3, long), busy(1, at(long), 0)), false},
		{"a 429 on the way", insert(busy(1, at(2*time.Second), 0)), true},
		{"a 429 that does not count on the way", insert(uncounted(busy(1, at(2*time.Second), 0))), true},
		{"a 429 that does not count adds nothing", append(failures(9, 3, long), uncounted(busy(1, at(long+time.Second), 0))), false},
		{"a 429 of a test on the way", insert(test(busy(1, at(2*time.Second), 0))), true},
		{"nothing but 429", busyFor(11, long+3*time.Second), true},
		{"nothing but 429, one too few", busyFor(9, time.Hour), false},
		{"nothing but 429, too soon", busyFor(20, long-time.Second), false},
		{"many 429 under way together", together(1000, at(long)), false},
		{"many 429 under way together, ten times", tenTimes(together(16, at(0)), 4*time.Second), true},
		{"nine times", tenTimes(together(16, at(0)), 4*time.Second)[16:], false},
		{"429, and an ack now and then", append(busyFor(9, time.Hour), append([]delivery.Attempt{try(1, outbound.Acked, 200, at(time.Hour))}, busyFor(9, time.Hour)...)...), false},
		{"an ack on the way", insert(try(1, outbound.Acked, 200, at(2*time.Second))), false},
		{"an ack that does not count on the way", insert(uncounted(try(1, outbound.Acked, 200, at(2*time.Second)))), false},
		{"what ended before an ack, and was recorded late", slices.Insert(slices.Clone(enough), 0, try(1, outbound.Acked, 200, at(2*time.Second))), false},
		{"what ended with an ack", slices.Insert(slices.Clone(enough), 0, try(1, outbound.Acked, 200, at(time.Second))), true},
		{"an acked test on the way shows nothing", insert(test(try(1, outbound.Acked, 200, at(2*time.Second)))), true},
		{"tests do not add up", append(failures(9, 3, long), test(refused(1, at(long)))), false},
		{"what does not count does not add up", append(failures(9, 3, long), uncounted(refused(1, at(long)))), false},
		{"a delivery whose attempt did not count", append(failures(10, 2, long), uncounted(refused(3, at(long)))), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := after(delivery.Health{}, true, tt.attempts...); got.Holding() != tt.holds {
				t.Errorf("deliveries are held: %v, want %v: %+v", got.Holding(), tt.holds, got)
			}
			if got := after(delivery.Health{}, false, tt.attempts...); got.Holding() || !got.NextProbeAt.IsZero() {
				t.Errorf("it is not to be held, and yet: %+v", got)
			}
		})
	}
}

// together are 429 of as many deliveries that all began a second before a time and
// ended in turn.
func together(count int, end time.Time) []delivery.Attempt {
	var list []delivery.Attempt
	for i := range count {
		a := busy(byte(i), end, 0)
		a.Duration += time.Duration(i)
		list = append(list, a)
	}
	return list
}

// tenTimes has the same come again, each time so long after.
func tenTimes(list []delivery.Attempt, every time.Duration) (all []delivery.Attempt) {
	for i := range 10 {
		for _, a := range list {
			a.StartedAt = a.StartedAt.Add(time.Duration(i) * every)
			all = append(all, a)
		}
	}
	return all
}

// TestFailing: from ten on without an ack, whatever it answers, and however few
// deliveries that were.
func TestFailing(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][]delivery.Attempt{
		"refused": failures(10, 1, time.Second), "429": busyFor(10, time.Hour),
	} {
		if h := after(delivery.Health{}, false, list[:9]...); h.KeepsFailing() {
			t.Errorf("nine %s: %+v", name, h)
		}
		h := after(delivery.Health{}, false, list...)
		if !h.KeepsFailing() {
			t.Errorf("ten %s: %+v", name, h)
		}
		if h.After(try(1, outbound.Acked, 200, at(2*time.Hour)), true, longest).KeepsFailing() {
			t.Errorf("ten %s and an ack: it is failing", name)
		}
	}
}

// TestEveryFailureAddsUp: whatever the class, but our own stop.
func TestEveryFailureAddsUp(t *testing.T) {
	t.Parallel()
	nine := after(delivery.Health{}, true, failures(9, 3, time.Minute)...)
	for _, class := range outbound.Classes() {
		if class == outbound.Acked || class == outbound.Interrupted {
			continue
		}
		if !nine.After(try(4, class, 0, at(time.Minute)), true, longest).Holding() {
			t.Errorf("%s: it answers", class)
		}
	}
	if !nine.After(try(4, outbound.Rejected, 503, at(time.Minute)), true, longest).Holding() {
		t.Error("503: it answers")
	}
}

// TestHoldingIsAllowedLater: what failed while it was not to be held is not
// forgotten.
func TestHoldingIsAllowedLater(t *testing.T) {
	t.Parallel()
	h := after(delivery.Health{}, false, failures(10, 3, time.Minute)...)
	if h = h.After(refused(4, at(2*time.Minute)), true, longest); !h.HeldSince.Equal(at(2 * time.Minute)) {
		t.Errorf("got %+v, want deliveries held", h)
	}
	if len(h.FailedDeliveries) != 3 {
		t.Errorf("got %d failed deliveries, want the first 3", len(h.FailedDeliveries))
	}
}

func TestAckMends(t *testing.T) {
	t.Parallel()
	probing := down().GrantProbe(nth(9), at(time.Minute))
	probing.SlowUntil = at(time.Hour)
	mended := delivery.Health{
		SlowUntil:     at(time.Hour), // that was asked for, and still stands
		LastFailureAt: at(30 * time.Second), LastClass: outbound.Refused,
	}
	if diff := cmp.Diff(mended, probing.Reset()); diff != "" {
		t.Errorf("mended (-want +got)\n%s", diff)
	}
	mended.LastAckAt = at(40 * time.Second)
	for name, a := range map[string]delivery.Attempt{
		"of the probe":               try(9, outbound.Acked, 200, at(40*time.Second)),
		"of another delivery":        try(1, outbound.Acked, 204, at(40*time.Second)),
		"of one that does not count": uncounted(try(1, outbound.Acked, 200, at(40*time.Second))),
	} {
		if diff := cmp.Diff(mended, probing.After(a, true, longest)); diff != "" {
			t.Errorf("an ack %s (-want +got)\n%s", name, diff)
		}
	}
	earlier := mended.After(try(1, outbound.Acked, 200, at(time.Second)), true, longest)
	if !earlier.LastAckAt.Equal(at(40 * time.Second)) {
		t.Errorf("the last ack moved back to %s", earlier.LastAckAt)
	}
}

// TestLastFailure: it is what the newest says, in full.
func TestLastFailure(t *testing.T) {
	t.Parallel()
	a := try(1, outbound.Rejected, 503, noon)
	a.Error = "no room"
	h := delivery.Health{}.After(a, true, longest)
	want := delivery.Health{
		Failures: 1, FailedDeliveries: []uuid.UUID{nth(1)}, FailingSince: at(-time.Second),
		Unacked: 1, UnackedAt: noon,
		LastFailureAt: noon, LastClass: outbound.Rejected, LastCode: 503, LastError: "no room",
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want.Unacked, want.UnackedAt = 2, at(time.Second)
	want.Failures, want.LastFailureAt, want.LastClass, want.LastCode, want.LastError = 2, at(time.Second), outbound.Refused, 0, ""
	if diff := cmp.Diff(want, h.After(refused(1, at(time.Second)), true, longest)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want = h
	want.Failures, want.Unacked = 2, 2
	if diff := cmp.Diff(want, h.After(refused(1, at(-time.Minute)), true, longest)); diff != "" {
		t.Errorf("an older one recorded late (-want +got)\n%s", diff)
	}
}

// TestLateFailure: what ended before the last ack says nothing of a destination
// that has acked since, but it is what failed last.
func TestLateFailure(t *testing.T) {
	t.Parallel()
	h := delivery.Health{}.After(try(1, outbound.Acked, 200, noon), true, longest)
	want := delivery.Health{LastAckAt: noon, LastFailureAt: at(-1), LastClass: outbound.Refused}
	if diff := cmp.Diff(want, h.After(refused(2, at(-1)), true, longest)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := h.After(refused(2, noon), true, longest).Failures; got != 1 {
		t.Errorf("one that ended with the ack: got %d failures, want 1", got)
	}
}

// TestShowsNothing: tests, and attempts that do not count.
func TestShowsNothing(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]delivery.Health{
		"never sent to": {}, "failing": down(), "probed": down().GrantProbe(nth(9), at(time.Minute)),
	} {
		for what, a := range map[string]delivery.Attempt{
			"a refused test":     test(refused(1, at(time.Hour))),
			"an acked test":      test(try(1, outbound.Acked, 200, at(time.Hour))),
			"a busy test":        test(busy(1, at(time.Hour), time.Hour)),
			"uncounted":          uncounted(refused(1, at(time.Hour))),
			"uncounted and busy": uncounted(busy(1, at(time.Hour), time.Hour)),
			"interrupted":        uncounted(try(1, outbound.Interrupted, 0, at(time.Hour))),
		} {
			if diff := cmp.Diff(h, h.After(a, true, longest)); diff != "" {
				t.Errorf("%s: %s (-want +got)\n%s", name, what, diff)
			}
		}
	}
}

// TestHealthIsAValue: two replicas that go on from the same one do not write into
// each other's.
func TestHealthIsAValue(t *testing.T) {
	t.Parallel()
	h := after(delivery.Health{}, true, failures(2, 2, time.Second)...)
	h.FailedDeliveries = slices.Grow(h.FailedDeliveries, 8)
	three, four := h.After(refused(3, at(time.Second)), true, longest), h.After(refused(4, at(time.Second)), true, longest)
	if diff := cmp.Diff([]uuid.UUID{nth(1), nth(2), nth(3)}, three.FailedDeliveries); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]uuid.UUID{nth(1), nth(2), nth(4)}, four.FailedDeliveries); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
