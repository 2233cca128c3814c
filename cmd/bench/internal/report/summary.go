package report

import (
	"fmt"
	"strings"

	"belfry/cmd/bench/internal/audit"
	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/process"
)

// Summary is what all runs of a scenario found together.
type Summary struct {
	Name   string   `json:"name"`
	Median Result   `json:"median"` // each figure by itself; what was lost and refused is added up
	Checks []Check  `json:"checks,omitempty"`
	Failed []string `json:"failed,omitempty"` // why runs could not be played
	Runs   []Result `json:"runs"`
	// Unplayed is for how many rounds there was no time.
	Unplayed int `json:"unplayed,omitempty"`
}

// Summarize sums up the runs of a scenario.
func Summarize(name string, runs []Result) Summary {
	s := Summary{Name: name, Runs: append([]Result{}, runs...)}
	var played []Result
	for _, r := range runs {
		if r.Failed != "" {
			s.Failed = append(s.Failed, fmt.Sprintf("round %d: %s", r.Round, oneLine(r.Failed)))
			continue
		}
		played = append(played, r)
	}
	s.Median = medianOf(name, played)
	var order []string
	each := map[string][]Check{}
	for _, r := range runs { // what a run that failed has lost counts too
		for _, c := range r.Checks {
			if each[c.What] == nil {
				order = append(order, c.What)
			}
			each[c.What] = append(each[c.What], c)
		}
	}
	for _, what := range order {
		s.Checks = append(s.Checks, checkAll(each[what]))
	}
	return s
}

// Missed says in a line each which thresholds were missed, and what could not be
// played.
func (s Summary) Missed() []string {
	var all []string
	for _, why := range s.Failed {
		all = append(all, fmt.Sprintf("%s could not be played, %s", s.Name, why))
	}
	if len(s.Runs) == 0 && s.Unplayed > 0 {
		all = append(all, s.Name+" was not played: there was no time left")
	}
	for _, c := range s.Checks {
		if c.Verdict == missed {
			line := fmt.Sprintf("%s missed a threshold: %s is %s, and must be %s", s.Name, strings.TrimSuffix(c.What, ","), number(c.Got), c.threshold())
			if spread := c.spread(); spread != "" {
				line += "; the runs had " + spread
			}
			all = append(all, line)
		}
	}
	return all
}

// medianOf takes the median of each figure by itself.
func medianOf(name string, runs []Result) Result {
	m := Result{Name: name}
	if len(runs) == 0 {
		return m
	}
	of := func(read func(Result) float64) float64 {
		var values []float64
		for _, r := range runs {
			values = append(values, read(r))
		}
		return measure.Median(values)
	}
	m.Seconds = of(func(r Result) float64 { return r.Seconds })
	m.Deliveries = int(of(func(r Result) float64 { return float64(r.Deliveries) }))
	m.PerSecond = of(func(r Result) float64 { return r.PerSecond })
	m.CPU = medianCPU(runs)
	m.Memory = medianMemory(runs)
	m.Latency = medianLatency(runs)
	m.Ratios = medians(runs, func(r Result) map[string]float64 { return r.Ratios })
	m.Facts = medians(runs, func(r Result) map[string]float64 { return r.Facts })
	for _, r := range runs {
		if r.Audit != nil {
			if m.Audit == nil {
				m.Audit = &audit.Found{}
			}
			m.Audit.Add(*r.Audit)
		}
		for what, times := range r.Errors {
			if m.Errors == nil {
				m.Errors = map[string]int{}
			}
			m.Errors[what] += times
		}
		if len(r.Calls) > 0 {
			m.Calls = r.Calls
		}
	}
	return m
}

// medians takes the median of each name, of the runs that have it.
func medians(runs []Result, read func(Result) map[string]float64) map[string]float64 {
	values := map[string][]float64{}
	for _, r := range runs {
		for name, v := range read(r) {
			values[name] = append(values[name], v)
		}
	}
	if len(values) == 0 {
		return nil
	}
	all := map[string]float64{}
	for name, of := range values {
		all[name] = measure.Median(of)
	}
	return all
}

func medianCPU(runs []Result) *measure.PerDelivery {
	all := medians(runs, func(r Result) map[string]float64 {
		if r.CPU == nil {
			return nil
		}
		return map[string]float64{
			"belfry": r.CPU.Belfry, "postgres": r.CPU.Postgres, "receiver": r.CPU.Receiver, "producer": r.CPU.Producer,
			"bench": r.CPU.Bench, "elsewhere": r.CPU.Elsewhere,
		}
	})
	if all == nil {
		return nil
	}
	return &measure.PerDelivery{
		Belfry: all["belfry"], Postgres: all["postgres"], Receiver: all["receiver"], Producer: all["producer"],
		Bench: all["bench"], Elsewhere: all["elsewhere"],
	}
}

func medianMemory(runs []Result) *process.Memory {
	all := medians(runs, func(r Result) map[string]float64 {
		if r.Memory == nil {
			return nil
		}
		return map[string]float64{"resident": r.Memory.Resident, "peak": r.Memory.Peak}
	})
	if all == nil {
		return nil
	}
	return &process.Memory{Resident: all["resident"], Peak: all["peak"]}
}

func medianLatency(runs []Result) *measure.Quantiles {
	all := medians(runs, func(r Result) map[string]float64 {
		if r.Latency == nil {
			return nil
		}
		l := r.Latency
		return map[string]float64{"count": float64(l.Count), "p50": l.P50, "p95": l.P95, "p99": l.P99, "max": l.Max}
	})
	if all == nil {
		return nil
	}
	return &measure.Quantiles{Count: int(all["count"]), P50: all["p50"], P95: all["p95"], P99: all["p99"], Max: all["max"]}
}
