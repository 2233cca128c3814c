package dispatch

import (
	"testing"

	"belfry/internal/delivery"
)

// An accepted alert reaches its destination, and what was answered is kept.
func TestDelivered(t *testing.T) {
	t.Parallel()
	f := start(t)
	hook := f.webhook(t, receiver(t, status(200, "success")).URL)

	a := f.accept(t, anAlert)
	if len(a.Deliveries) != 1 || a.Deliveries[0].DestinationID != hook.ID || a.Deliveries[0].Status != delivery.Queued {
		t.Fatalf("deliveries = %+v", a.Deliveries)
	}
	got := f.wait(t, a.Deliveries[0].ID, is(delivery.Delivered))
	if got.Attempts != 1 || got.FirstAckAt.IsZero() || got.JobID != 0 {
		t.Errorf("delivery = %+v", got.Delivery)
	}
	as := f.attempts(t, got.ID)
	if len(as) != 1 || string(as[0].Body) != "success" || as[0].StatusCode != 200 || !as[0].Counted || as[0].Number != 1 {
		t.Errorf("attempts = %+v", as)
	}
}

// A destination that always fails is tried eleven times and then never again,
// until a person asks.
func TestElevenAttempts(t *testing.T) {
	t.Parallel()
	f := start(t, quick)
	f.webhook(t, receiver(t, status(500, "broken")).URL)

	id := f.accept(t, anAlert).Deliveries[0].ID
	got := f.wait(t, id, is(delivery.Failed))
	if got.Reason != delivery.AttemptsExhausted || got.Attempts != 11 {
		t.Errorf("failed with reason %q after %d attempts", got.Reason, got.Attempts)
	}
	as := f.attempts(t, id)
	if len(as) != 11 {
		t.Fatalf("%d attempts, want 11", len(as))
	}
	for i, a := range as {
		if a.Number != i+1 || a.StatusCode != 500 || string(a.Body) != "broken" || !a.Counted {
			t.Errorf("attempt %d = %+v", i+1, a)
		}
	}
}
