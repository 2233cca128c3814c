// Package report is what a run found, held against thresholds, as a table and as JSON.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Report is all that a run found.
type Report struct {
	Machine Machine  `json:"machine"`
	Results []Result `json:"results"`
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

// Err names the scenarios that could not be played. A threshold that was missed
// is a finding, and no error.
func (r Report) Err() error {
	var failed []string
	for _, s := range r.Results {
		if s.Failed != "" {
			failed = append(failed, s.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("could not be played: %s", strings.Join(failed, ", "))
}

// Print writes the table: a line for each scenario with its first threshold, and
// one for each further threshold.
func (r Report) Print(to io.Writer) error {
	m := r.Machine
	fmt.Fprintf(to, "\nBelfry %s (tree %s), Postgres %s, %s, %d × %s, %d MiB, Linux %s, %s, load before %s, scale %g\n\n",
		m.Belfry, m.Revision, m.Postgres, m.Go, m.Cores, m.CPU, m.MemoryMiB, m.Kernel, m.Filesystem, m.LoadAverage, m.Scale)
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\t/s\t× L1\t× L2\t× L3\tCPU µs\tBelfry\tPostgres\tRSS MiB\tpeak\tlost\tdup\tp50 ms\tp99 ms\tthreshold\t\t")
	for _, s := range r.Results {
		row := s.figures()
		if len(s.Checks) == 0 {
			fmt.Fprintf(t, "%s\t\t%s\t\n", row, oneLine(s.Failed))
		}
		for _, c := range s.Checks {
			fmt.Fprintf(t, "%s\t%s\t%s\t\n", row, c, c.Verdict)
			row = strings.Repeat("\t", strings.Count(row, "\t"))
		}
		if len(s.Checks) > 0 && s.Failed != "" {
			fmt.Fprintf(t, "%s\t%s\t%s\t\n", row, oneLine(s.Failed), missed)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range r.Results {
		if len(s.Calls) > 0 {
			if err := printCalls(to, s.Calls); err != nil {
				return err
			}
		}
	}
	return nil
}

// String implements fmt.Stringer.
func (c Check) String() string {
	unit := ""
	if c.Unit != "" {
		unit = " " + c.Unit
	}
	return fmt.Sprintf("%s %s %s %s%s", c.What, number(c.Got), c.Want, number(c.Bound), unit)
}

// figures are the columns before the thresholds.
func (s Result) figures() string {
	columns := []string{s.Name, shown(s.PerSecond), shown(s.Ratios["L1"]), shown(s.Ratios["L2"]), shown(s.Ratios["L3"])}
	if s.CPU != nil {
		columns = append(columns, shown(s.CPU.Belfry+s.CPU.Postgres), shown(s.CPU.Belfry), shown(s.CPU.Postgres))
	} else {
		columns = append(columns, "", "", "")
	}
	if s.Memory != nil {
		columns = append(columns, shown(s.Memory.Resident), shown(s.Memory.Peak))
	} else {
		columns = append(columns, "", "")
	}
	if s.Audit != nil {
		columns = append(columns, strconv.Itoa(s.Audit.Lost), strconv.Itoa(s.Audit.Duplicates))
	} else {
		columns = append(columns, "", "")
	}
	if s.Latency != nil {
		columns = append(columns, number(s.Latency.P50), number(s.Latency.P99))
	} else {
		columns = append(columns, "", "")
	}
	return strings.Join(columns, "\t")
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
