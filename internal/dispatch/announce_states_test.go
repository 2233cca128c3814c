package dispatch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/outbound"
)

// The alert says of each destination whether it is failing or unreachable, and its title
// says both words only where both are so.
func TestAnnouncedStates(t *testing.T) {
	t.Parallel()
	down := func(name string, last outbound.Class) healthChange {
		h := delivery.Health{Failures: 10, Unacked: 10, FailingSince: time.Now(), HeldSince: time.Now(), LastClass: last}
		return healthChange{destination.Destination{ID: uuid.New(), DisplayName: name}, h}
	}
	up := func(name string) healthChange {
		return healthChange{destination.Destination{ID: uuid.New(), DisplayName: name}, delivery.Health{LastAckAt: time.Now()}}
	}
	for _, tt := range []struct {
		list          []healthChange
		title, states string
	}{
		{[]healthChange{down("A", outbound.Rejected)}, `Destination "A" is failing`, "failing"},
		{[]healthChange{down("A", outbound.Timeout)}, `Destination "A" is unreachable`, "unreachable"},
		{[]healthChange{down("A", outbound.DNS), down("B", outbound.TLS)}, `2 destinations are unreachable: "A", "B"`, "unreachable unreachable"},
		{
			[]healthChange{down("A", outbound.DNS), down("B", outbound.Protocol), up("C")},
			`2 destinations are failing or unreachable: "A", "B"; 1 acknowledges again`, "unreachable failing healthy",
		},
		{[]healthChange{up("A"), down("B", outbound.Reset), up("C")}, `Destination "B" is unreachable; 2 acknowledge again`, "healthy unreachable healthy"},
		{[]healthChange{up("A")}, `Destination "A" acknowledges again`, "healthy"},
		{[]healthChange{up("A"), up("B")}, `2 destinations acknowledge again: "A", "B"`, "healthy healthy"},
	} {
		n := healthNotice(tt.list)
		var context struct {
			Destinations []struct{ DisplayName, State, FailingSince string }
		}
		if err := json.Unmarshal(n.context, &context); err != nil {
			t.Fatal(err)
		}
		var states []string
		for _, d := range context.Destinations {
			states = append(states, d.State)
			says := fmt.Sprintf("%q is %s: the last 10 attempts got no acknowledgement", d.DisplayName, d.State)
			if isDown := d.State != "healthy"; strings.Contains(n.description, says) != isDown || (d.FailingSince != "") != isDown {
				t.Errorf("%s: since %q in %s", says, d.FailingSince, n.description)
			}
		}
		if n.title != tt.title || strings.Join(states, " ") != tt.states {
			t.Errorf("%s, with the states %v; want %s, with %s", n.title, states, tt.title, tt.states)
		}
	}
}
