package report

import (
	"time"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/process"
)

// Result is what one run of a scenario found.
type Result struct {
	Name       string               `json:"name"`
	Round      int                  `json:"round,omitempty"`
	Began      time.Time            `json:"began,omitzero"`
	Seconds    float64              `json:"seconds"` // of the whole scenario
	Deliveries int                  `json:"deliveries,omitempty"`
	PerSecond  float64              `json:"perSecond,omitempty"` // first post to last answer recorded
	CPU        *measure.PerDelivery `json:"cpuMicrosPerDelivery,omitempty"`
	Memory     *process.Memory      `json:"belfryMemory,omitempty"`
	Audit      *audit.Found         `json:"audit,omitempty"`
	Latency    *measure.Quantiles   `json:"latency,omitempty"` // accept to receipt, from when it was to be sent
	Limits     map[string]Limit     `json:"limits,omitempty"`  // what it was held against
	Ratios     map[string]float64   `json:"ratios,omitempty"`  // of its rate to the mean of each
	Facts      map[string]float64   `json:"facts,omitempty"`
	Errors     map[string]int       `json:"errors,omitempty"` // answers to the load that were no acceptance
	Calls      []calls.Timed        `json:"calls,omitempty"`
	Checks     []Check              `json:"checks,omitempty"`
	Failed     string               `json:"failed,omitempty"` // why the scenario could not be played
}

// Fact notes a figure that no threshold holds for.
func (r *Result) Fact(name string, value float64) {
	if r.Facts == nil {
		r.Facts = map[string]float64{}
	}
	r.Facts[name] = value
}

// Against notes what a run is held against. One that was not measured is left out.
func (r *Result) Against(name string, l Limit) {
	if l.Mean() == 0 {
		return
	}
	if r.Limits == nil {
		r.Limits, r.Ratios = map[string]Limit{}, map[string]float64{}
	}
	r.Limits[name] = l
	if r.PerSecond > 0 {
		r.Ratios[name] = r.PerSecond / l.Mean()
	}
}

// ServerCost is the CPU of Belfry and Postgres for a delivery, in µs.
func (r Result) ServerCost() float64 {
	if r.CPU == nil {
		return 0
	}
	return r.CPU.Server()
}

// Limit is what something else did in the same round, a second: measured right
// before and right after, or once.
type Limit struct {
	Measured []float64 `json:"measured"`
}

// Mean is what counts: a machine that became slower or quicker meanwhile was in
// between on average. It is 0 of a limit that was not measured.
func (l Limit) Mean() float64 { return measure.Mean(l.Measured) }

// Drift is the least that was measured, divided by the most; 1 is none.
func (l Limit) Drift() float64 {
	if len(l.Measured) < 2 {
		return 1
	}
	least, most := l.Measured[0], l.Measured[0]
	for _, v := range l.Measured {
		least, most = min(least, v), max(most, v)
	}
	return least / max(most, 0.001)
}
