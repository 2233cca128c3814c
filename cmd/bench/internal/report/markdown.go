package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"belfry/cmd/bench/internal/process"
)

// TableCommand prints what a run has kept as JSON.
type TableCommand struct {
	File string `arg:"" help:"What bench run --json wrote." type:"path"`
}

// Run prints it as the table of docs/performance.md.
func (c *TableCommand) Run(_ context.Context, to process.Streams) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("read report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("read report %s: %w", c.File, err)
	}
	return r.Markdown(to.Out)
}

// Markdown writes a row for each limit and scenario: the medians, and the thresholds
// with what each run got. What was missed is bold.
func (r Report) Markdown(to io.Writer) error {
	m := r.Machine
	var b strings.Builder
	fmt.Fprintf(&b, "Belfry %s, %s, %d × %s, %d MiB, Postgres %s, %s, Linux %s, %s; %d rounds in %.0f minutes; load before %s.\n\n",
		m.Belfry, m.Date.Format("2006-01-02"), m.Cores, m.CPU, m.MemoryMiB, m.Postgres, m.Go, m.Kernel, m.Filesystem,
		r.Rounds, r.Seconds/60, m.LoadAverage)
	columns := []string{
		"Scenario", "runs", "deliveries/s", "to its limits", "CPU µs each (Belfry + Postgres)", "receiver, producer µs",
		"RSS, peak MiB", "lost", "dup", "p50 ms", "p99 ms", "Thresholds",
	}
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)))
	for _, s := range slices.Concat(r.Limits, r.Scenarios) {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(s.cells(), " | "))
	}
	if notes := r.notes(); len(notes) > 0 {
		fmt.Fprintf(&b, "\n- %s\n", strings.Join(notes, "\n- "))
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// cells are the columns of a row.
func (s Summary) cells() []string {
	m := s.Median
	cells := make([]string, 12)
	cells[0] = "`" + s.Name + "`"
	cells[1] = fmt.Sprint(len(s.Runs) - len(s.Failed))
	cells[2], cells[3] = shown(m.PerSecond), ratios(m.Ratios)
	if m.CPU != nil {
		cells[4] = shown(m.CPU.Server())
		if m.CPU.Belfry > 0 { // of a limit it is Postgres alone
			cells[4] += fmt.Sprintf(" (%s + %s)", number(m.CPU.Belfry), number(m.CPU.Postgres))
		}
		cells[5] = number(m.CPU.Receiver) + ", " + number(m.CPU.Producer)
	}
	if m.Memory != nil {
		cells[6] = number(m.Memory.Resident) + ", " + number(m.Memory.Peak)
	}
	if m.Audit != nil {
		cells[7], cells[8] = fmt.Sprint(m.Audit.Lost), fmt.Sprint(m.Audit.Duplicates)
	}
	if m.Latency != nil {
		cells[9], cells[10] = number(m.Latency.P50), number(m.Latency.P99)
	}
	var held []string
	for _, c := range s.Checks {
		if c.What == nothingLost && c.Verdict == passed {
			continue
		}
		text := strings.TrimSpace(c.String() + " " + c.spread())
		switch c.Verdict {
		case missed:
			text = "**" + text + "**"
		case NotJudged:
			text += " (not judged)"
		}
		held = append(held, text)
	}
	for _, why := range s.Failed {
		held = append(held, "**"+why+"**")
	}
	cells[11] = strings.ReplaceAll(strings.Join(held, "; "), "|", `\|`)
	return cells
}
