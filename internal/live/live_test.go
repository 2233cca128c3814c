package live

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

// publishedOf returns how often a bulk re-send is among what is published now.
func publishedOf(b *Bus, id uuid.UUID, now time.Time) (n int) {
	for _, ev := range b.Take(now) {
		if ev.Kind == BulkResendChanged && ev.ID == id {
			n++
		}
	}
	return n
}

// Changes of a bulk re-send are published once a second, and its last one in the end.
func TestBulkResendsArePublishedSeldom(t *testing.T) {
	t.Parallel()
	bus, now, one, another := New(nil, nil, nil), time.Now(), uuid.New(), uuid.New()
	for i, tt := range []struct {
		after   time.Duration
		changes bool
		want    int
	}{
		{0, true, 1},
		{250 * time.Millisecond, true, 0},
		{250 * time.Millisecond, true, 0},
		{500 * time.Millisecond, false, 1},
		{500 * time.Millisecond, false, 0},
		{500 * time.Millisecond, false, 0},
		{0, true, 1},
	} {
		now = now.Add(tt.after)
		if tt.changes {
			bus.BulkResendChanged(one)
			bus.BulkResendChanged(one)
		}
		if got := publishedOf(bus, one, now); got != tt.want {
			t.Errorf("%d: published %d times, want %d", i, got, tt.want)
		}
	}
	bus.BulkResendChanged(another)
	if got := publishedOf(bus, another, now); got != 1 {
		t.Errorf("another is published %d times", got)
	}
	if bus.Take(now.Add(time.Minute)); len(bus.bulks) != 0 {
		t.Errorf("%d are remembered for good", len(bus.bulks))
	}
}

// A destination that changes again and again is published once, and more than fit
// become one event that says so.
func TestManyChangesBecomeOne(t *testing.T) {
	t.Parallel()
	bus, id := New(nil, nil, nil), uuid.New()
	for range 2 * maxEvents {
		bus.Changed(id)
	}
	if got := bus.Take(time.Now()); len(got) != 1 || got[0] != (Event{Kind: DestinationChanged, ID: id}) {
		t.Errorf("published %v, want one change of the destination", got)
	}
	for range maxEvents {
		bus.AlertAccepted("a")
	}
	if got := bus.Take(time.Now()); len(got) != maxEvents {
		t.Errorf("published %d of %d", len(got), maxEvents)
	}
	for range maxEvents + 1 {
		bus.AlertAccepted("a")
	}
	if got := bus.Take(time.Now()); len(got) != 1 || got[0].Kind != ManyChanged {
		t.Errorf("published %v, want that there are many", got)
	}
}
