// Bench measures Belfry as it is shipped, a process of its own on a Postgres
// that syncs, and beside it the limits of the machine it runs on, so that what
// counts are ratios. docs/performance.md says what each scenario is.
//
//	bench run        run scenarios and print what came of them (make bench)
//	bench compare    play scenarios with two programs in turns (make bench-compare)
//	bench receive    the receiver that run starts
//	bench load       the producer that run starts
//	bench seed       fill a database with old alerts
//	bench table      print what run kept as JSON, as a table in Markdown
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/past"
	"belfry/cmd/bench/internal/process"
	"belfry/cmd/bench/internal/receive"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/scenarios"
)

// cli is every command.
type cli struct {
	Run     scenarios.RunCommand     `cmd:"" help:"Run scenarios and print what came of them."`
	Compare scenarios.CompareCommand `cmd:"" help:"Play scenarios with two programs in turns, and print what the second costs more."`
	Receive receive.Command          `cmd:"" help:"Receive alerts on ports of this machine and remember when each came."`
	Load    load.Command             `cmd:"" help:"Post alerts, as fast as they are answered or at a fixed rate."`
	Table   report.TableCommand      `cmd:"" help:"Print what run --json kept, as a table in Markdown."`
	Seed    past.Command             `cmd:"" help:"Fill a migrated database with alerts, deliveries and attempts of the last weeks."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for an orderly end, with everything removed. After
	// that signals work as usual again.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], process.Streams{Out: os.Stdout, Err: os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errUsage is a mistake in how the program was called.
var errUsage = errors.New("see `bench --help`")

func run(ctx context.Context, args []string, to process.Streams) error {
	exited := false
	parser, err := kong.New(&cli{},
		kong.Name("bench"),
		kong.Description("Measures Belfry: rates, CPU, latencies and losses, beside the limits of the machine."),
		kong.Writers(to.Out, to.Err),
		kong.Exit(func(int) { exited = true }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(to),
		kong.Vars(scenarios.Names()),
	)
	if err != nil {
		return fmt.Errorf("read commands: %w", err)
	}
	cmd, err := parser.Parse(args)
	if exited {
		return nil // help was asked for
	}
	if err != nil {
		return fmt.Errorf("%w; %w", err, errUsage)
	}
	return cmd.Run()
}
