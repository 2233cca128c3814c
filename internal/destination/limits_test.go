package destination

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shownLimits writes limits as an answer of the API does.
func shownLimits(l Limits) map[string]any {
	shown := map[string]any{"maxInFlight": l.MaxInFlight, "ratePerSecond": nil, "burst": nil, "holdFailing": l.HoldFailing}
	if l.RatePerSecond != 0 {
		shown["ratePerSecond"], shown["burst"] = l.RatePerSecond, l.Burst
	}
	return shown
}

func TestReadLimitsOfANewDestination(t *testing.T) {
	t.Parallel()
	for limits, want := range map[string]Limits{
		`null`:              {256, 0, 0, true},
		`{}`:                {256, 0, 0, true},
		`{"maxInFlight":1}`: {1, 0, 0, true},
		`{"maxInFlight":1e3,"holdFailing":false}`: {1000, 0, 0, false},
		`{"maxInFlight":16.0}`:                    {16, 0, 0, true},
		`{"maxInFlight":null,"ratePerSecond":null,"burst":null,"holdFailing":null}`: {256, 0, 0, true},
		`{"ratePerSecond":0.01}`:              {256, 0.01, 1, true},
		`{"ratePerSecond":1}`:                 {256, 1, 1, true},
		`{"ratePerSecond":1.5,"burst":null}`:  {256, 1.5, 2, true},
		`{"ratePerSecond":10000}`:             {256, 10_000, 10_000, true},
		`{"ratePerSecond":0.5,"burst":10000}`: {256, 0.5, 10_000, true},
		`{"burst":3,"ratePerSecond":100}`:     {256, 100, 3, true},
	} {
		got := mustRead(t, bodyWith(t, `{"limits":`+limits+`}`))
		if diff := cmp.Diff(want, got.Limits); diff != "" {
			t.Errorf("%s (-want +got)\n%s", limits, diff)
		}
	}
}

func TestPatchLimits(t *testing.T) {
	t.Parallel()
	limits := func(l Limits) func(*Destination) { return func(d *Destination) { d.Limits = l } }
	checkPatches(t, []patching{
		{"no limits keep all", `{"limits":{}}`, nothing},
		{"null resets all", `{"limits":null}`, limits(Limits{256, 0, 0, true})},
		{"one is replaced", `{"limits":{"maxInFlight":3}}`, limits(Limits{3, 2.5, 7, false})},
		{"another one", `{"limits":{"holdFailing":true}}`, limits(Limits{8, 2.5, 7, true})},
		{"null resets one", `{"limits":{"maxInFlight":null}}`, limits(Limits{256, 2.5, 7, false})},
		{"null resets another one", `{"limits":{"holdFailing":null}}`, limits(Limits{8, 2.5, 7, true})},
		{"a new rate keeps the burst", `{"limits":{"ratePerSecond":100}}`, limits(Limits{8, 100, 7, false})},
		{"a new burst keeps the rate", `{"limits":{"burst":1}}`, limits(Limits{8, 2.5, 1, false})},
		{"null resets the burst to what the rate has", `{"limits":{"burst":null}}`, limits(Limits{8, 2.5, 3, false})},
		{"a new rate without burst", `{"limits":{"ratePerSecond":9.1,"burst":null}}`, limits(Limits{8, 9.1, 10, false})},
		{"without a rate the burst goes too", `{"limits":{"ratePerSecond":null}}`, limits(Limits{8, 0, 0, false})},
		{"all at once", `{"limits":{"maxInFlight":1000,"ratePerSecond":1,"burst":2,"holdFailing":true}}`, limits(Limits{1000, 1, 2, true})},
	})
}

func TestWrongLimits(t *testing.T) {
	t.Parallel()
	for limits, want := range map[string][]string{
		`[]`:                                {"limits: type"},
		`5`:                                 {"limits: type"},
		`"fast"`:                            {"limits: type"},
		`false`:                             {"limits: type"},
		`{"maxInFlight":0}`:                 {"limits.maxInFlight: format"},
		`{"maxInFlight":-0}`:                {"limits.maxInFlight: format"},
		`{"maxInFlight":1001}`:              {"limits.maxInFlight: format"},
		`{"maxInFlight":1.5}`:               {"limits.maxInFlight: type"},
		`{"maxInFlight":"16"}`:              {"limits.maxInFlight: type"},
		`{"maxInFlight":1e400}`:             {"limits.maxInFlight: type"},
		`{"MaxInFlight":1}`:                 {"limits.MaxInFlight: unknown_field"},
		`{"ratePerSecond":0}`:               {"limits.ratePerSecond: format"},
		`{"ratePerSecond":0.009}`:           {"limits.ratePerSecond: format"},
		`{"ratePerSecond":10000.1}`:         {"limits.ratePerSecond: format"},
		`{"ratePerSecond":true}`:            {"limits.ratePerSecond: type"},
		`{"ratePerSecond":1,"burst":0}`:     {"limits.burst: format"},
		`{"ratePerSecond":1,"burst":10001}`: {"limits.burst: format"},
		`{"ratePerSecond":1,"burst":1.5}`:   {"limits.burst: type"},
		`{"ratePerSecond":1,"burst":{}}`:    {"limits.burst: type"},
		`{"ratePerSecond":null,"burst":5}`:  {"limits.burst: conflict"},
		`{"ratePerSecond":null,"burst":0}`:  {"limits.burst: format"},
		`{"ratePerSecond":-1,"burst":5}`:    {"limits.ratePerSecond: format"},
		`{"holdFailing":"yes"}`:             {"limits.holdFailing: type"},
		`{"holdFailing":1}`:                 {"limits.holdFailing: type"},
		`{"maxInFlight":[],"ratePerSecond":[],"burst":[],"holdFailing":[],"x":1}`: {
			"limits.burst: type", "limits.holdFailing: type", "limits.maxInFlight: type", "limits.ratePerSecond: type", "limits.x: unknown_field",
		},
	} {
		_, readErr := Read(bodyWith(t, `{"limits":`+limits+`}`))
		_, patchErr := stored().Patch([]byte(`{"limits":` + limits + `}`))
		for name, err := range map[string]error{"read": readErr, "patch": patchErr} {
			if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
				t.Errorf("%s %s (-want +got)\n%s", name, limits, diff)
			}
		}
	}
	_, err := Read(bodyWith(t, `{"limits":{"burst":5}}`))
	if diff := cmp.Diff([]string{"limits.burst: conflict"}, wrong(t, err)); diff != "" {
		t.Errorf("a burst without a rate (-want +got)\n%s", diff)
	}
}
