package main

// result is what a scenario found.
type result struct {
	Name       string             `json:"name"`
	Seconds    float64            `json:"seconds"` // of the whole scenario
	Deliveries int                `json:"deliveries,omitempty"`
	PerSecond  float64            `json:"perSecond,omitempty"` // first post to last answer recorded
	CPU        *perDelivery       `json:"cpuMicrosPerDelivery,omitempty"`
	Memory     *memory            `json:"belfryMemory,omitempty"`
	Audit      *audited           `json:"audit,omitempty"`
	Latency    *quantiles         `json:"latency,omitempty"` // accept to receipt, from when it was to be sent
	Ratios     map[string]float64 `json:"ratios,omitempty"`  // of the rate to L1, L2, L3
	Facts      map[string]float64 `json:"facts,omitempty"`
	Errors     map[string]int     `json:"errors,omitempty"` // answers to the load that were no acceptance
	Calls      []timedCall        `json:"calls,omitempty"`
	Checks     []check            `json:"checks,omitempty"`
	Failed     string             `json:"failed,omitempty"` // why the scenario could not be played
}

// The verdicts of a check.
const (
	passed    = "pass"
	missed    = "FAIL"
	notJudged = "not judged" // something to compare with was not measured
)

// check holds a figure against its threshold.
type check struct {
	What    string  `json:"what"`
	Got     float64 `json:"got"`
	Want    string  `json:"want"` // "≤" or "≥"
	Bound   float64 `json:"bound"`
	Unit    string  `json:"unit,omitempty"`
	Verdict string  `json:"verdict"`
}

func atMost(what string, got, bound float64, unit string) check {
	return check{what, got, "≤", bound, unit, verdict(got <= bound)}
}

func atLeast(what string, got, bound float64, unit string) check {
	return check{what, got, "≥", bound, unit, verdict(got >= bound)}
}

func verdict(ok bool) string {
	if ok {
		return passed
	}
	return missed
}

// ratioTo checks a rate against a limit of the same run; 0 is one that was not
// measured.
func ratioTo(what string, rate, limit, bound float64) check {
	if limit == 0 {
		return check{what, 0, "≥", bound, "×", notJudged}
	}
	return atLeast(what, rate/limit, bound, "×")
}

// timesBase checks a latency against the scenario's own baseline.
func timesBase(what string, got, base, bound float64) check {
	if base == 0 {
		return check{what, 0, "≤", bound, "× baseline", notJudged}
	}
	return atMost(what, got/base, bound, "× baseline")
}

// nothingLost is the check of every scenario with alerts.
func (r *result) nothingLost() []check {
	if r.Audit == nil {
		return nil
	}
	return []check{atMost("lost or refused", float64(r.Audit.Lost+r.Audit.Refused), 0, "")}
}

func (r *result) fact(name string, value float64) {
	if r.Facts == nil {
		r.Facts = map[string]float64{}
	}
	r.Facts[name] = value
}
