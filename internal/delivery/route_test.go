package delivery_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
)

const (
	soarID    = "01934f3c-9a10-7d3b-b7f2-0c6b1f2de001"
	unknownID = "01934f3c-9a10-7d3b-b7f2-0c6b1f2de0ff"
)

// soar takes alerts of high severity and every type.
func soar() destination.Destination {
	return destination.Destination{
		ID:          uuid.MustParse(soarID),
		DisplayName: "SOAR of Zürich",
		State:       destination.Active,
		Severities:  []alert.Severity{alert.High, alert.Critical},
		AlertTypes:  alert.Types(),
		LogTypes:    []string{},
	}
}

// to returns soar by another name and with changed filters.
func to(name string, change func(*destination.Destination)) destination.Destination {
	d := soar()
	d.ID, d.DisplayName = uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name)), name
	change(&d)
	return d
}

var (
	everything = to("Everything", func(d *destination.Destination) { d.Severities = alert.Severities() })
	rules      = to("Rules", func(d *destination.Destination) { d.AlertTypes = []alert.Type{alert.Rule, alert.Policy} })
	cloudtrail = to("CloudTrail", func(d *destination.Destination) { d.LogTypes = []string{"AWS.CloudTrail", "AWS.S3"} })
	onlyNamed  = to("Only named", func(d *destination.Destination) { d.Severities = []alert.Severity{} })
	paused     = to("Paused", func(d *destination.Destination) { d.State = destination.Paused })
	all        = []destination.Destination{soar(), everything, rules, cloudtrail, onlyNamed, paused}
)

func routed(severity alert.Severity, typ alert.Type, logTypes ...string) alert.Alert {
	return alert.Alert{Severity: severity, Type: typ, LogTypes: logTypes}
}

func naming(destinations ...string) alert.Alert {
	a := routed(alert.Low, alert.SystemError)
	a.Override = &destinations
	return a
}

func names(list []destination.Destination) []string {
	var n []string
	for _, d := range list {
		n = append(n, d.DisplayName)
	}
	return n
}

// route is a Decision with the names of destinations.
type route struct {
	By          delivery.RoutedBy
	To, Unknown []string
	Unrouted    delivery.Unrouted
}

func filters(to ...string) route { return route{By: delivery.ByFilters, To: to} }

func override(to ...string) route { return route{By: delivery.ByOverride, To: to} }

func unrouted(by delivery.RoutedBy, n delivery.Unrouted, unknown ...string) route {
	return route{By: by, Unrouted: n, Unknown: unknown}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	high := routed(alert.High, alert.Rule)
	high.Override = &[]string{"Nobody"}
	tests := []struct {
		name  string
		alert alert.Alert
		want  route
	}{
		// Step 1.
		{"an empty list", naming(), unrouted(delivery.ByOverride, delivery.ByRequest)},
		{"SKIP", naming("SKIP"), unrouted(delivery.ByOverride, delivery.ByRequest)},
		{"SKIP among others", naming("Rules", "SKIP", soarID), unrouted(delivery.ByOverride, delivery.ByRequest)},
		{"SKIP among unknown ones", naming("Nobody", "SKIP"), unrouted(delivery.ByOverride, delivery.ByRequest)},

		// Step 2: severities and types do not matter.
		{"an id", naming(soarID), override("SOAR of Zürich")},
		{"an id in upper case", naming(strings.ToUpper(soarID)), override("SOAR of Zürich")},
		{"an id with blanks", naming(" " + soarID), override("SOAR of Zürich")},
		{"a name", naming("Rules"), override("Rules")},
		{"a name with blanks", naming(" Rules\t"), override("Rules")},
		{"a name in another case", naming("soar OF zÜRICH"), override("SOAR of Zürich")},
		{"a name in another normal form", naming("SOAR of Zu\u0308rich"), override("SOAR of Zürich")},
		{"both, in the order given", naming("Rules", soarID, "everything"), override("Rules", "SOAR of Zürich", "Everything")},
		{"the same one by name and by id", naming("SOAR of Zürich", soarID, "soar of zürich"), override("SOAR of Zürich")},
		{"one without severities", naming("Only named"), override("Only named")},
		{"a paused one", naming("Paused"), override("Paused")},
		{"an unknown one among known ones", naming("Nobody", "Rules", unknownID), route{
			By: delivery.ByOverride, To: []string{"Rules"}, Unknown: []string{"Nobody", unknownID},
		}},
		{"only unknown ones", naming("Nobody", unknownID), unrouted(delivery.ByOverride, delivery.UnknownDestinations, "Nobody", unknownID)},
		{"unknown ones do not fall back to the filters", high, unrouted(delivery.ByOverride, delivery.UnknownDestinations, "Nobody")},
		{"part of a name", naming("Rule"), unrouted(delivery.ByOverride, delivery.UnknownDestinations, "Rule")},
		{"skip in lower case is a name", naming("skip"), unrouted(delivery.ByOverride, delivery.UnknownDestinations, "skip")},

		// Step 3.
		{"by severity, type and no log types", routed(alert.High, alert.Rule), filters("SOAR of Zürich", "Everything", "Rules", "CloudTrail", "Paused")},
		{"a lower severity", routed(alert.Low, alert.Rule), filters("Everything")},
		{"a type that one does not take", routed(alert.Critical, alert.SystemError), filters("SOAR of Zürich", "Everything", "CloudTrail", "Paused")},
		{"log types that overlap", routed(alert.High, alert.Policy, "Okta", "AWS.S3"), filters("SOAR of Zürich", "Everything", "Rules", "CloudTrail", "Paused")},
		{"log types that do not", routed(alert.High, alert.Policy, "Okta"), filters("SOAR of Zürich", "Everything", "Rules", "Paused")},
		{"log types in another case do not", routed(alert.High, alert.Policy, "aws.s3"), filters("SOAR of Zürich", "Everything", "Rules", "Paused")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := delivery.NewAmong(all).Route(tt.alert)
			got := route{d.By, names(d.To), d.Unknown, d.Unrouted}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRouteUnrouted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		alert alert.Alert
		among []destination.Destination
		want  route
	}{
		{"no destination takes it", routed(alert.Info, alert.Rule), []destination.Destination{soar(), onlyNamed}, unrouted(delivery.ByFilters, delivery.NoMatch)},
		{"there is no destination", routed(alert.High, alert.Rule), nil, unrouted(delivery.ByFilters, delivery.NoMatch)},
		{"there is none, and one is named", naming("Rules"), nil, unrouted(delivery.ByOverride, delivery.UnknownDestinations, "Rules")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := delivery.NewAmong(tt.among).Route(tt.alert)
			got := route{d.By, names(d.To), d.Unknown, d.Unrouted}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

const (
	matches     = "The destination's severities, alert types and log types include this alert's."
	isNamed     = "The alert names this destination."
	notNamed    = "The alert names its destinations, and this is not one of them."
	asksForNone = "The alert asks for no destination: its destinations are empty or contain SKIP."
)

func TestExplain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		alert alert.Alert
		of    destination.Destination
		want  bool
		why   string
	}{
		{"it takes the alert", routed(alert.High, alert.Rule), soar(), true, matches},
		{"it takes the alert while paused", routed(alert.High, alert.Rule), paused, true, matches},
		{"another severity", routed(alert.Low, alert.Rule), soar(), false, "The destination does not take severity LOW."},
		{"another type", routed(alert.High, alert.SystemError), rules, false, "The destination does not take alert type SYSTEM_ERROR."},
		{"other log types", routed(alert.High, alert.Rule, "Okta"), cloudtrail, false, "The destination takes none of the alert's log types."},
		{"no severities", routed(alert.High, alert.Rule), onlyNamed, false, "The destination has no severities: it gets only alerts that name it."},
		{"named", naming("Nobody", "Rules"), rules, true, isNamed},
		{"named though it takes nothing", naming("Only named"), onlyNamed, true, isNamed},
		{"others are named", naming("Rules"), everything, false, notNamed},
		{"unknown ones are named", naming("Nobody"), everything, false, notNamed},
		{"SKIP", naming("SKIP"), everything, false, asksForNone},
		{"SKIP beside its name", naming("Everything", "SKIP"), everything, false, asksForNone},
		{"an empty list", naming(), everything, false, asksForNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, why := delivery.NewAmong(all).Route(tt.alert).Explain(tt.alert, tt.of)
			if got != tt.want || why != tt.why {
				t.Errorf("got %v, %q; want %v, %q", got, why, tt.want, tt.why)
			}
		})
	}
}

// TestExplainAgreesWithRoute: of every destination, and for every alert, there
// is a reason, and the two never differ.
func TestExplainAgreesWithRoute(t *testing.T) {
	t.Parallel()
	for _, severity := range alert.Severities() {
		for _, typ := range alert.Types() {
			for _, logTypes := range [][]string{{}, {"AWS.S3"}, {"Okta"}} {
				a := routed(severity, typ, logTypes...)
				d := delivery.NewAmong(all).Route(a)
				var got []string
				for _, x := range all {
					is, why := d.Explain(a, x)
					if why == "" {
						t.Errorf("%s %s %v: no reason for %s", severity, typ, logTypes, x.DisplayName)
					}
					if is {
						got = append(got, x.DisplayName)
					}
				}
				if diff := cmp.Diff(names(d.To), got); diff != "" {
					t.Errorf("%s %s %v (-routed +explained)\n%s", severity, typ, logTypes, diff)
				}
			}
		}
	}
}

func TestWhyUnrouted(t *testing.T) {
	t.Parallel()
	for n, want := range map[delivery.Unrouted]string{
		"":                           "",
		delivery.ByRequest:           asksForNone,
		delivery.UnknownDestinations: "None of the destinations that the alert names exists.",
		delivery.NoMatch:             "No destination takes this severity, type and log type.",
	} {
		if got := n.Why(); got != want {
			t.Errorf("%q: got %q, want %q", n, got, want)
		}
	}
}

func TestWhyRoutedBy(t *testing.T) {
	t.Parallel()
	for by, want := range map[delivery.RoutedBy]string{
		delivery.ByFilters: matches, delivery.ByOverride: isNamed, delivery.ByHand: "A person sent the alert here.",
	} {
		if got := by.Why(); got != want {
			t.Errorf("%s: got %q, want %q", by, got, want)
		}
	}
}

func TestUnroutedLabelOf(t *testing.T) {
	t.Parallel()
	some := []string{"nobody"}
	for _, tt := range []struct {
		unrouted delivery.Unrouted
		unknown  []string
		want     delivery.UnroutedLabel
	}{
		{"", nil, ""},
		{"", []string{}, ""},
		{"", some, "partly_unknown"},
		{delivery.UnknownDestinations, some, "unknown_destinations"},
		{delivery.NoMatch, nil, "no_match"},
		{delivery.ByRequest, nil, "by_request"},
	} {
		got := delivery.UnroutedLabelOf(tt.unrouted, tt.unknown)
		if got != tt.want {
			t.Errorf("unrouted %q, unknown %q: got %q, want %q", tt.unrouted, tt.unknown, got, tt.want)
		}
		if got != "" && !slices.Contains(delivery.UnroutedLabels(), got) {
			t.Errorf("%q is not among the reasons", got)
		}
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	one := destination.Destination{ID: uuid.MustParse(soarID), DisplayName: "One"}
	two := destination.Destination{ID: uuid.MustParse(unknownID), DisplayName: "Two", FormerNames: []string{"Old"}}
	all := delivery.NewAmong([]destination.Destination{one, two})
	for name, want := range map[string]bool{"One": false, soarID: false, "Two": true, "old": true, unknownID: true} {
		if _, found := all.Without(one.ID).Named(name); found != want {
			t.Errorf("without the first, %q is found: %t", name, found)
		}
		if _, found := all.Without().Named(name); !found {
			t.Errorf("without none, %q is not found", name)
		}
	}
	if len(all.All) != 2 || len(all.Without(one.ID, two.ID).All) != 0 {
		t.Errorf("%d are left of %d", len(all.Without(one.ID, two.ID).All), len(all.All))
	}
}
