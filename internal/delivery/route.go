package delivery

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/destination"
)

// Nowhere says why an alert has no destination; it is empty when it has one.
type Nowhere string

// Why an alert goes nowhere.
const (
	Skip                Nowhere = "skip"                 // its destinations contain SKIP
	EmptyDestinations   Nowhere = "empty_destinations"   // its destinations are given and empty
	UnknownDestinations Nowhere = "unknown_destinations" // none of those it names exists
	NoMatch             Nowhere = "no_match"             // no destination's filters take it
)

// Why says the same in a sentence.
func (n Nowhere) Why() string {
	switch n {
	case Skip:
		return "The alert's destinations contain SKIP."
	case EmptyDestinations:
		return "The alert's destinations are given and empty."
	case UnknownDestinations:
		return "None of the destinations that the alert names exists."
	case NoMatch:
		return "No destination takes this severity, type and log type."
	default:
		return ""
	}
}

// Decision is where one alert goes and why.
type Decision struct {
	By      RoutedBy
	To      []destination.Destination
	Unknown []string // named in the alert, but not there
	Nowhere Nowhere
}

// Route decides where an alert goes among the destinations that are not deleted.
// It is asked once, when the alert is accepted; the order of the steps is that
// of the seeds' product. A pause changes nothing here.
func Route(a alert.Alert, all []destination.Destination) Decision {
	if a.Override == nil {
		return byFilters(a, all)
	}
	if slices.Contains(*a.Override, "SKIP") {
		return Decision{By: ByOverride, Nowhere: Skip}
	}
	if len(*a.Override) == 0 {
		return Decision{By: ByOverride, Nowhere: EmptyDestinations}
	}
	d := Decision{By: ByOverride}
	for _, name := range *a.Override {
		i := slices.IndexFunc(all, func(t destination.Destination) bool { return named(t, name) })
		if i < 0 {
			d.Unknown = append(d.Unknown, name)
		} else if !contains(d.To, all[i].ID) {
			d.To = append(d.To, all[i])
		}
	}
	if len(d.To) == 0 {
		d.Nowhere = UnknownDestinations
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
		d.Nowhere = NoMatch
	}
	return d
}

// Explain says why a destination gets the alert or does not.
func (d Decision) Explain(a alert.Alert, t destination.Destination) (routed bool, why string) {
	switch {
	case contains(d.To, t.ID):
		return true, d.By.Why()
	case d.Nowhere == Skip || d.Nowhere == EmptyDestinations:
		return false, d.Nowhere.Why()
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

func named(t destination.Destination, name string) bool {
	name = strings.TrimSpace(name)
	if id, err := uuid.Parse(name); err == nil {
		return t.ID == id
	}
	return destination.NameKey(t.DisplayName) == destination.NameKey(name)
}

func contains(list []destination.Destination, id uuid.UUID) bool {
	return slices.ContainsFunc(list, func(t destination.Destination) bool { return t.ID == id })
}
