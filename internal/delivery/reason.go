package delivery

import "slices"

// Reason says why a delivery is held, failed or cancelled; it is empty otherwise.
type Reason string

// The reasons. Each is also in reasons, below.
const (
	Misconfigured Reason = "misconfigured" // the settings cannot be opened or used
	Paused        Reason = "paused"        // the destination is paused
	Failing       Reason = "failing"       // the destination keeps failing
	OurSide       Reason = "our_side"      // our own side keeps failing, and waits before it tries again
	Busy          Reason = "busy"          // too many attempts in flight

	AttemptsExhausted Reason = "attempts_exhausted" // every attempt of the run failed
	Rejected          Reason = "rejected"           // the destination's type says that the answer never heals
	Expired           Reason = "expired"            // held as failing for too long

	DestinationDeleted Reason = "destination_deleted"
	ByPerson           Reason = "by_person"
)

// reasons are all of them, by the status that they belong to. Those that hold are in
// the order of HoldReason. From here come the filters, the counts, the metrics and
// the tests that hold the contract and the database to it.
var reasons = map[Status][]Reason{
	Held:      {Misconfigured, Paused, Failing, OurSide, Busy},
	Failed:    {AttemptsExhausted, Rejected, Expired},
	Cancelled: {DestinationDeleted, ByPerson},
}

// Reasons returns the reasons that a status can have; none for those that have none.
func Reasons(s Status) []Reason { return slices.Clone(reasons[s]) }

// HoldReasons returns all reasons of [HoldReason], in its order.
func HoldReasons() []Reason { return Reasons(Held) }

// Releasable returns the reasons that end with what holds a destination. The other
// ones end with a wait that each delivery has for itself.
func Releasable() []Reason {
	return slices.DeleteFunc(HoldReasons(), func(r Reason) bool { return r == OurSide })
}

// Status returns the status that the reason belongs to; "" if there is no such reason.
func (r Reason) Status() Status {
	for status, of := range reasons {
		if slices.Contains(of, r) {
			return status
		}
	}
	return ""
}
