package report

import (
	"fmt"
	"io"
	"text/tabwriter"

	"belfry/cmd/bench/internal/calls"
)

func printCalls(to io.Writer, calls []calls.Timed) error {
	fmt.Fprintln(to)
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "call\ttimes\tp50 ms\tp95 ms\tmax ms\t")
	for _, c := range calls {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", c.What, c.Times, number(c.P50), number(c.P95), number(c.Max), c.Wrong)
	}
	return t.Flush()
}
