package report

import (
	"fmt"
	"slices"
	"strings"

	"belfry/cmd/bench/internal/measure"
)

// The verdicts of a check.
const (
	passed    = "pass"
	missed    = "FAIL"
	NotJudged = "not judged" // something to compare with was not measured
)

// Check holds a figure against its threshold.
type Check struct {
	What    string    `json:"what"`
	Got     float64   `json:"got"`
	Want    string    `json:"want"` // "≤" or "≥"
	Bound   float64   `json:"bound"`
	Unit    string    `json:"unit,omitempty"`
	Verdict string    `json:"verdict"`
	Worst   bool      `json:"worst,omitempty"` // the worst run counts, in place of the median
	Runs    []float64 `json:"runs,omitempty"`  // what each run got, of a check on all runs
}

// AtMost checks a figure against the most that it may be.
func AtMost(what string, got, bound float64, unit string) Check {
	return judged(Check{What: what, Got: got, Want: "≤", Bound: bound, Unit: unit})
}

// AtLeast checks a figure against the least that it may be.
func AtLeast(what string, got, bound float64, unit string) Check {
	return judged(Check{What: what, Got: got, Want: "≥", Bound: bound, Unit: unit})
}

// RatioTo checks a rate against what else was measured; 0 is something that was not.
func RatioTo(what string, rate, limit, bound float64) Check {
	if limit == 0 {
		return Check{What: what, Want: "≥", Bound: bound, Unit: "×", Verdict: NotJudged}
	}
	return AtLeast(what, rate/limit, bound, "×")
}

// TimesBase checks a latency against the scenario's own baseline.
func TimesBase(what string, got, base, bound float64) Check {
	if base == 0 {
		return Check{What: what, Want: "≤", Bound: bound, Unit: "× baseline", Verdict: NotJudged}
	}
	return AtMost(what, got/base, bound, "× baseline")
}

// nothingLost names the check of every scenario with alerts.
const nothingLost = "lost or refused"

// NothingLost is the check of every scenario with alerts. No run may lose any.
func (r *Result) NothingLost() []Check {
	if r.Audit == nil {
		return nil
	}
	c := AtMost(nothingLost, float64(r.Audit.Lost+r.Audit.Refused), 0, "")
	c.Worst = true
	return []Check{c}
}

func judged(c Check) Check {
	ok := c.Got <= c.Bound
	if c.Want == "≥" {
		ok = c.Got >= c.Bound
	}
	c.Verdict = missed
	if ok {
		c.Verdict = passed
	}
	return c
}

// checkAll makes one check of those of all runs, which judges their median, or the
// worst. A run in which it could not be judged does not count.
func checkAll(each []Check) Check {
	all := each[0]
	all.Runs = nil
	for _, c := range each {
		if c.Verdict != NotJudged {
			all.Runs = append(all.Runs, c.Got)
		}
	}
	if len(all.Runs) == 0 {
		return all
	}
	switch {
	case !all.Worst:
		all.Got = measure.Median(all.Runs)
	case all.Want == "≥":
		all.Got = slices.Min(all.Runs)
	default:
		all.Got = slices.Max(all.Runs)
	}
	return judged(all)
}

// String implements fmt.Stringer.
func (c Check) String() string {
	return fmt.Sprintf("%s %s %s", c.What, number(c.Got), c.threshold())
}

// threshold is what it is held to.
func (c Check) threshold() string {
	return strings.TrimSpace(c.Want + " " + number(c.Bound) + " " + c.Unit)
}

// spread is what each run got, when there were several.
func (c Check) spread() string {
	if len(c.Runs) < 2 {
		return ""
	}
	var each []string
	for _, v := range c.Runs {
		each = append(each, number(v))
	}
	return "[" + strings.Join(each, " ") + "]"
}
