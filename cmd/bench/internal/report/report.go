// Package report is what a run found, held against thresholds, as a table and as JSON.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Report is all that a run found.
type Report struct {
	Machine   Machine   `json:"machine"`
	Rounds    int       `json:"rounds"`  // asked for
	Seconds   float64   `json:"seconds"` // of all of it
	Limits    []Summary `json:"limits"`  // each of them measured before and after what is held against it
	Scenarios []Summary `json:"scenarios"`
}

// Write writes all of it to a file, as JSON.
func (r Report) Write(file string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Err names in a line each the thresholds that were missed, and the scenarios that
// could not be played.
func (r Report) Err() error {
	var all []error
	for _, s := range slices.Concat(r.Limits, r.Scenarios) {
		for _, line := range s.Missed() {
			all = append(all, errors.New(line))
		}
	}
	return errors.Join(all...)
}

const header = "scenario\truns\t/s\tto its limits\tCPU µs\tBelfry\tPostgres\treceiver\tproducer\telsewhere\tRSS MiB\tpeak\t" +
	"lost\tdup\tp50 ms\tp99 ms\tthreshold\tverdict\tof the runs\t"

// Print writes the table: a line for each scenario with its first threshold, and
// one for each further threshold.
func (r Report) Print(to io.Writer) error {
	m := r.Machine
	fmt.Fprintf(to, "\nBelfry %s (tree %s), Postgres %s, %s, %d × %s, %d MiB, Linux %s, %s, load before %s, scale %g, %.0f s\n\n",
		m.Belfry, m.Revision, m.Postgres, m.Go, m.Cores, m.CPU, m.MemoryMiB, m.Kernel, m.Filesystem, m.LoadAverage, m.Scale, r.Seconds)
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, header)
	for _, s := range slices.Concat(r.Limits, r.Scenarios) {
		s.print(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range r.Scenarios {
		if len(s.Median.Calls) > 0 {
			if err := printCalls(to, s.Median.Calls); err != nil {
				return err
			}
		}
	}
	if notes := r.notes(); len(notes) > 0 {
		fmt.Fprintf(to, "\n%s\n", strings.Join(notes, "\n"))
	}
	return nil
}

// print writes the lines of one scenario.
func (s Summary) print(to io.Writer) {
	row := s.figures()
	next := func() { row = strings.Repeat("\t", strings.Count(row, "\t")) }
	shown := slices.DeleteFunc(slices.Clone(s.Checks), func(c Check) bool {
		return c.What == nothingLost && c.Verdict == passed // the columns say it
	})
	for _, c := range shown {
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t\n", row, c, c.Verdict, c.spread())
		next()
	}
	for _, why := range s.Failed {
		fmt.Fprintf(to, "%s\t%s\t%s\t\t\n", row, why, missed)
		next()
	}
	if len(shown)+len(s.Failed) == 0 {
		fmt.Fprintf(to, "%s\t\t\t\t\n", row)
	}
}

// figures are the columns before the thresholds.
func (s Summary) figures() string {
	m := s.Median
	columns := []string{s.Name, strconv.Itoa(len(s.Runs) - len(s.Failed)), shown(m.PerSecond), ratios(m.Ratios)}
	if m.CPU != nil {
		columns = append(columns, shown(m.CPU.Server()), shown(m.CPU.Belfry), shown(m.CPU.Postgres), shown(m.CPU.Receiver),
			shown(m.CPU.Producer), shown(m.CPU.Elsewhere))
	} else {
		columns = append(columns, "", "", "", "", "", "")
	}
	if m.Memory != nil {
		columns = append(columns, shown(m.Memory.Resident), shown(m.Memory.Peak))
	} else {
		columns = append(columns, "", "")
	}
	if m.Audit != nil {
		columns = append(columns, strconv.Itoa(m.Audit.Lost), strconv.Itoa(m.Audit.Duplicates))
	} else {
		columns = append(columns, "", "")
	}
	if m.Latency != nil {
		columns = append(columns, number(m.Latency.P50), number(m.Latency.P99))
	} else {
		columns = append(columns, "", "")
	}
	return strings.Join(columns, "\t")
}

func ratios(to map[string]float64) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(to)) {
		all = append(all, number(to[name])+" × "+name)
	}
	return strings.Join(all, ", ")
}

// steadyEnough is how much of the greater of two measurements of a limit the
// smaller may be short of.
const steadyEnough = 0.8

// ElsewherePercent names the fact that tells how much of a core others took than
// what is measured and what measures it.
const ElsewherePercent = "elsewherePercentOfACore"

// busyElsewhere is how much that may be: the kernel has some threads of its own.
const busyElsewhere = 15

// notes say what makes figures doubtful.
func (r Report) notes() []string {
	var all []string
	for _, s := range r.Scenarios {
		for _, run := range s.Runs {
			for _, name := range slices.Sorted(maps.Keys(run.Limits)) {
				if l := run.Limits[name]; l.Drift() < steadyEnough {
					all = append(all, fmt.Sprintf("The machine was not steady in round %d: beside %s, %s was %s.",
						run.Round, s.Name, name, list(l.Measured)))
				}
			}
			if share := run.Facts[ElsewherePercent]; share > busyElsewhere {
				all = append(all, fmt.Sprintf("The machine was not quiet in round %d: during %s, %.0f %% of a core was taken elsewhere.",
					run.Round, s.Name, share))
			}
		}
		if s.Unplayed > 0 {
			all = append(all, fmt.Sprintf("There was no time for %d of the rounds of %s.", s.Unplayed, s.Name))
		}
	}
	return all
}

func list(values []float64) string {
	var all []string
	for _, v := range values {
		all = append(all, number(v))
	}
	return strings.Join(all, " and then ")
}

// shown leaves what was not measured empty.
func shown(v float64) string {
	if v == 0 {
		return ""
	}
	return number(v)
}

// number writes three digits or so.
func number(v float64) string {
	switch {
	case v == float64(int64(v)), v >= 100, v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10, v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

func oneLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
