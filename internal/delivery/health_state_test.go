package delivery_test

import (
	"testing"
	"time"

	"belfry/internal/delivery"
	"belfry/internal/outbound"
)

// unhealthy is the state of a destination that is not healthy, by the class of its
// newest attempt without an ack.
var unhealthy = map[outbound.Class]delivery.HealthState{
	outbound.Rejected:       delivery.StateFailing,
	outbound.Redirected:     delivery.StateFailing,
	outbound.Protocol:       delivery.StateFailing,
	outbound.Timeout:        delivery.StateUnreachable,
	outbound.DNS:            delivery.StateUnreachable,
	outbound.Refused:        delivery.StateUnreachable,
	outbound.Reset:          delivery.StateUnreachable,
	outbound.TLS:            delivery.StateUnreachable,
	outbound.BlockedAddress: delivery.StateUnreachable,
}

// Each class that an attempt may fail with says whether anything answered.
func TestStateByClass(t *testing.T) {
	t.Parallel()
	for _, class := range outbound.Classes() {
		want, ok := unhealthy[class]
		if !ok {
			if class != outbound.Acked && class != outbound.Interrupted {
				t.Errorf("no state is known for %s", class)
			}
			continue
		}
		if got := after(delivery.Health{}, true, try(1, class, 0, at(time.Second))).State(); got != want {
			t.Errorf("%s: %s, want %s", class, got, want)
		}
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	rejected, acked := try(1, outbound.Rejected, 503, at(time.Minute)), try(1, outbound.Acked, 200, at(2*time.Minute))
	stopped := uncounted(try(1, outbound.Interrupted, 0, at(90*time.Second)))
	for _, tt := range []struct {
		name string
		h    delivery.Health
		want delivery.HealthState
	}{
		{"never tried", delivery.Health{}, delivery.StateHealthy},
		{"acked", after(delivery.Health{}, true, acked), delivery.StateHealthy},
		{"rejected, then acked", after(delivery.Health{}, true, rejected, acked), delivery.StateHealthy},
		{"a failure that ended before an ack, and was recorded after it", after(delivery.Health{}, true, acked, rejected), delivery.StateHealthy},
		{"429 now and then", after(delivery.Health{}, true, busyFor(9, time.Hour)...), delivery.StateHealthy},
		{"nothing but 429", after(delivery.Health{}, true, busyFor(10, time.Hour)...), delivery.StateFailing},
		{"refused, then 429", after(delivery.Health{}, true, refused(1, at(time.Second)), busy(1, at(time.Minute), 0)), delivery.StateFailing},
		{"refused, then rejected", after(delivery.Health{}, true, refused(1, at(time.Second)), rejected), delivery.StateFailing},
		{"rejected, then refused", after(delivery.Health{}, true, rejected, refused(1, at(61*time.Second))), delivery.StateUnreachable},
		{"rejected, and refused before that, recorded late", after(delivery.Health{}, true, rejected, refused(1, at(time.Second))), delivery.StateFailing},
		{"rejected, then our own stop", after(delivery.Health{}, true, rejected, stopped), delivery.StateFailing},
		{"refused, then a test that was rejected", after(delivery.Health{}, true, refused(1, at(time.Second)), test(rejected)), delivery.StateUnreachable},
		{"deliveries held", down(), delivery.StateUnreachable},
		{"deliveries held, and the probe rejected", after(down().GrantProbe(nth(1), at(time.Hour)), true, rejected), delivery.StateFailing},
		{"deliveries held, and the probe acked", after(down().GrantProbe(nth(1), at(time.Hour)), true, acked), delivery.StateHealthy},
	} {
		if got := tt.h.State(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
