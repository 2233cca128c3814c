package delivery

import "belfry/internal/outbound"

// HealthState is how a destination does, in a word.
type HealthState string

// The states of a destination's health.
const (
	StateHealthy     HealthState = "healthy"     // it acks, as far as is known
	StateFailing     HealthState = "failing"     // it answers, but not with acks
	StateUnreachable HealthState = "unreachable" // nothing answers
)

// State returns how the destination does. While it is not healthy, its newest counted
// attempt without an ack decides: the class of that attempt says whether anything
// answered. Whether deliveries are held for it is another question: see
// [Health.Holding].
func (h Health) State() HealthState {
	switch {
	case h.Failures == 0 && !h.KeepsFailing() && !h.Holding(): // also where it was never tried
		return StateHealthy
	case gotNoAnswer(h.LastClass):
		return StateUnreachable
	}
	return StateFailing
}

// gotNoAnswer reports whether an attempt of a class got no answer of its destination. An
// answer that is not HTTP is one. A server whose handshake or certificate fails is none:
// nobody knows who it is. Where our own policy does not let us go, nobody was asked.
func gotNoAnswer(c outbound.Class) bool {
	switch c {
	case outbound.DNS, outbound.Refused, outbound.Timeout, outbound.TLS, outbound.Reset, outbound.BlockedAddress:
		return true
	}
	return false
}
