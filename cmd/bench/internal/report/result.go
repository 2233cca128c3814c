package report

import (
	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/process"
)

// Result is what a scenario found.
type Result struct {
	Name       string               `json:"name"`
	Seconds    float64              `json:"seconds"` // of the whole scenario
	Deliveries int                  `json:"deliveries,omitempty"`
	PerSecond  float64              `json:"perSecond,omitempty"` // first post to last answer recorded
	CPU        *measure.PerDelivery `json:"cpuMicrosPerDelivery,omitempty"`
	Memory     *process.Memory      `json:"belfryMemory,omitempty"`
	Audit      *audit.Found         `json:"audit,omitempty"`
	Latency    *measure.Quantiles   `json:"latency,omitempty"` // accept to receipt, from when it was to be sent
	Ratios     map[string]float64   `json:"ratios,omitempty"`  // of the rate to L1, L2, L3
	Facts      map[string]float64   `json:"facts,omitempty"`
	Errors     map[string]int       `json:"errors,omitempty"` // answers to the load that were no acceptance
	Calls      []calls.Timed        `json:"calls,omitempty"`
	Checks     []Check              `json:"checks,omitempty"`
	Failed     string               `json:"failed,omitempty"` // why the scenario could not be played
}

// The verdicts of a check.
const (
	passed    = "pass"
	missed    = "FAIL"
	NotJudged = "not judged" // something to compare with was not measured
)

// Check holds a figure against its threshold.
type Check struct {
	What    string  `json:"what"`
	Got     float64 `json:"got"`
	Want    string  `json:"want"` // "≤" or "≥"
	Bound   float64 `json:"bound"`
	Unit    string  `json:"unit,omitempty"`
	Verdict string  `json:"verdict"`
}

// AtMost checks a figure against the most that it may be.
func AtMost(what string, got, bound float64, unit string) Check {
	return Check{what, got, "≤", bound, unit, verdict(got <= bound)}
}

// AtLeast checks a figure against the least that it may be.
func AtLeast(what string, got, bound float64, unit string) Check {
	return Check{what, got, "≥", bound, unit, verdict(got >= bound)}
}

func verdict(ok bool) string {
	if ok {
		return passed
	}
	return missed
}

// RatioTo checks a rate against a limit of the same run; 0 is one that was not
// measured.
func RatioTo(what string, rate, limit, bound float64) Check {
	if limit == 0 {
		return Check{what, 0, "≥", bound, "×", NotJudged}
	}
	return AtLeast(what, rate/limit, bound, "×")
}

// TimesBase checks a latency against the scenario's own baseline.
func TimesBase(what string, got, base, bound float64) Check {
	if base == 0 {
		return Check{what, 0, "≤", bound, "× baseline", NotJudged}
	}
	return AtMost(what, got/base, bound, "× baseline")
}

// NothingLost is the check of every scenario with alerts.
func (r *Result) NothingLost() []Check {
	if r.Audit == nil {
		return nil
	}
	return []Check{AtMost("lost or refused", float64(r.Audit.Lost+r.Audit.Refused), 0, "")}
}

// Fact notes a figure that no threshold holds for.
func (r *Result) Fact(name string, value float64) {
	if r.Facts == nil {
		r.Facts = map[string]float64{}
	}
	r.Facts[name] = value
}
