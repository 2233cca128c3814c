package delivery

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/destination"
)

// Unrouted says why an alert has no destination; it is empty when it has one.
type Unrouted string

// Why an alert is unrouted.
const (
	ByRequest           Unrouted = "by_request"           // its destinations are given and empty, or contain SKIP
	UnknownDestinations Unrouted = "unknown_destinations" // none of those it names exists
	NoMatch             Unrouted = "no_match"             // no destination's filters take it
)

// Why says the same in a sentence.
func (n Unrouted) Why() string {
	switch n {
	case ByRequest:
		return "The alert asks for no destination: its destinations are empty or contain SKIP."
	case UnknownDestinations:
		return "None of the destinations that the alert names exists."
	case NoMatch:
		return "No destination takes this severity, type and log type."
	default:
		return ""
	}
}

// UnroutedLabel is the reason under which an alert is counted that is unrouted, or that
// does not go to all destinations that it names.
type UnroutedLabel string

const partlyUnknown UnroutedLabel = "partly_unknown" // some of the destinations it names exist

// UnroutedLabels returns every label.
func UnroutedLabels() []UnroutedLabel {
	return []UnroutedLabel{UnroutedLabel(ByRequest), UnroutedLabel(NoMatch), UnroutedLabel(UnknownDestinations), partlyUnknown}
}

// UnroutedLabelOf returns the label under which an alert that is unrouted, or names unknown
// destinations, is counted; "" for one that goes wherever it should.
func UnroutedLabelOf(unrouted Unrouted, unknown []string) UnroutedLabel {
	if unrouted == "" && len(unknown) > 0 {
		return partlyUnknown
	}
	return UnroutedLabel(unrouted)
}

// Decision is where one alert goes and why.
type Decision struct {
	By       RoutedBy
	To       []destination.Destination
	Unknown  []string // named in the alert, but not there
	Unrouted Unrouted
}

// Among is what alerts are routed among: the destinations that are not deleted.
type Among struct {
	All   []destination.Destination // oldest first
	names map[string]int            // the place in All of whom a folded name reaches
}

// NewAmong returns what alerts are routed among. A name reaches the destination
// that has it, or else the one that had it last.
func NewAmong(all []destination.Destination) Among {
	names := make(map[string]int, len(all))
	for i, t := range all {
		for _, former := range t.FormerNames {
			names[destination.NameKey(former)] = i
		}
	}
	for i, t := range all {
		names[destination.NameKey(t.DisplayName)] = i
	}
	return Among{All: all, names: names}
}

// Named returns the destination that an alert names, by its id, its name or a
// former name.
func (m Among) Named(name string) (destination.Destination, bool) {
	name = strings.TrimSpace(name)
	i, found := m.names[destination.NameKey(name)]
	if id, err := uuid.Parse(name); err == nil {
		i = slices.IndexFunc(m.All, func(t destination.Destination) bool { return t.ID == id })
		found = i >= 0
	}
	if !found {
		return destination.Destination{}, false
	}
	return m.All[i], true
}

// Without returns the same without some destinations.
func (m Among) Without(ids ...uuid.UUID) Among {
	if len(ids) == 0 {
		return m
	}
	return NewAmong(slices.DeleteFunc(slices.Clone(m.All), func(t destination.Destination) bool { return slices.Contains(ids, t.ID) }))
}

// Route decides where an alert goes. It is asked once, when the alert is accepted;
// the order of the steps is that of the seeds' product. A pause changes nothing
// here.
func (m Among) Route(a alert.Alert) Decision {
	if a.Override == nil {
		return byFilters(a, m.All)
	}
	if len(*a.Override) == 0 || slices.Contains(*a.Override, "SKIP") {
		return Decision{By: ByOverride, Unrouted: ByRequest}
	}
	d := Decision{By: ByOverride}
	for _, name := range *a.Override {
		t, found := m.Named(name)
		if !found {
			d.Unknown = append(d.Unknown, name)
		} else if !contains(d.To, t.ID) {
			d.To = append(d.To, t)
		}
	}
	if len(d.To) == 0 {
		d.Unrouted = UnknownDestinations
	}
	return d
}

func byFilters(a alert.Alert, all []destination.Destination) Decision {
	d := Decision{By: ByFilters}
	for _, t := range all {
		if refusal(a, t) == "" {
			d.To = append(d.To, t)
		}
	}
	if len(d.To) == 0 {
		d.Unrouted = NoMatch
	}
	return d
}

// Explain says why a destination gets the alert or does not.
func (d Decision) Explain(a alert.Alert, t destination.Destination) (routed bool, why string) {
	switch {
	case contains(d.To, t.ID) && d.By == ByOverride && !namedNow(a, t):
		return true, "The alert names this destination, by a name that it had before."
	case contains(d.To, t.ID):
		return true, d.By.Why()
	case d.Unrouted == ByRequest:
		return false, d.Unrouted.Why()
	case d.By == ByOverride:
		return false, "The alert names its destinations, and this is not one of them."
	default:
		return false, refusal(a, t)
	}
}

// refusal says which filter of a destination does not take the alert, or "".
// The log types narrow alerts that come from logs: an alert without any passes,
// else a system error would vanish without a word.
func refusal(a alert.Alert, t destination.Destination) string {
	overlap := func(l string) bool { return slices.Contains(t.LogTypes, l) }
	switch {
	case len(t.Severities) == 0:
		return "The destination has no severities: it gets only alerts that name it."
	case !slices.Contains(t.Severities, a.Severity):
		return "The destination does not take severity " + string(a.Severity) + "."
	case !slices.Contains(t.AlertTypes, a.Type):
		return "The destination does not take alert type " + string(a.Type) + "."
	case len(t.LogTypes) > 0 && len(a.LogTypes) > 0 && !slices.ContainsFunc(a.LogTypes, overlap):
		return "The destination takes none of the alert's log types."
	}
	return ""
}

// namedNow reports whether an alert names a destination by its id or present name.
func namedNow(a alert.Alert, t destination.Destination) bool {
	only := NewAmong([]destination.Destination{{ID: t.ID, DisplayName: t.DisplayName}})
	return slices.ContainsFunc(*a.Override, func(name string) bool { _, found := only.Named(name); return found })
}

func contains(list []destination.Destination, id uuid.UUID) bool {
	return slices.ContainsFunc(list, func(t destination.Destination) bool { return t.ID == id })
}
