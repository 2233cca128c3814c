// Belfry accepts alerts over REST, delivers them to destinations with retries,
// and keeps what every attempt got back.
//
//	belfry dev        everything on this machine, with a private Postgres
//	belfry serve      production: needs DATABASE_URL and the sealing key
//	belfry init       prepare a database, the sealing key and an admin token
//	belfry migrate    bring the database schema up to date
//	belfry keygen     make a sealing key, rotate it, retire its old keys
//	belfry reseal     seal everything with the newest key
//	belfry token      make, list and revoke API tokens
//	belfry receive    a small receiver to try deliveries with
//	belfry version    which version this is
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"belfry/migrations"
)

// cli is every command.
type cli struct {
	Dev     devCommand     `cmd:"" help:"Run everything on this machine, with a private Postgres."`
	Serve   serveCommand   `cmd:"" help:"Run in production, on the database of DATABASE_URL."`
	Init    initCommand    `cmd:"" help:"Prepare everything that serve needs, where it is missing: the database schema, the sealing key, an admin token."`
	Migrate migrateCommand `cmd:"" help:"Bring the database schema up to date (up), take back its newest step (down), or show where it stands (status)."`
	Keygen  keygenCommand  `cmd:"" help:"Make a sealing key, rotate it, take old keys out of it, or copy it."`
	Reseal  resealCommand  `cmd:"" help:"Seal everything in the database with the newest key, while servers run, and say which old keys can go."`
	Token   tokenCommand   `cmd:"" help:"Make, list and revoke API tokens."`
	Receive receiveCommand `cmd:"" help:"Receive alerts on a port of this machine and print them."`
	Health  healthCommand  `cmd:"" help:"Ask a running Belfry whether it is ready; for container health checks."`

	Version versionCommand `cmd:"" help:"Say which version this is, of which commit, and when it was built."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version and exit."`
}

// streams are where a command writes: what was asked for to out, all else to err.
type streams struct {
	out, err io.Writer
}

// tell writes what goes on, for whoever waits for a command.
func (to streams) tell(text string) { fmt.Fprintln(to.err, "belfry:", text) }

func main() {
	// net/http writes the first bytes of an answer nobody asked for to this
	// logger, and those may hold a secret.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for an orderly stop. After that signals work as usual
	// again, so that a second one ends the process.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, "belfry:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode is 1, but 3 where the database is newer than this program: then nothing
// was changed, and nothing is broken.
func exitCode(err error) int {
	if errors.Is(err, migrations.ErrNewer) {
		return 3
	}
	return 1
}

// errUsage is a mistake in how the program was called.
var errUsage = errors.New("see `belfry --help`")

// run is main without what a test must replace.
func run(ctx context.Context, args []string, to streams) error {
	var c cli
	exited := false
	parser, err := newParser(&c, to, func(int) { exited = true })
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
	if err := checkFlags(cmd); err != nil {
		return err
	}
	if cmd.Command() != "version" {
		if err := checkEnvironment(os.Environ(), variables(parser.Model.Node)); err != nil {
			return err
		}
	}
	cmd.Bind(to)
	cmd.BindTo(ctx, (*context.Context)(nil))
	return cmd.Run()
}

func newParser(c *cli, to streams, exit func(int)) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("belfry"),
		kong.Description("Takes alerts in over REST, delivers them to destinations with retries, and keeps what every attempt got back."),
		kong.UsageOnError(),
		kong.Vars{"version": thisBuild().Version},
		kong.Writers(to.out, to.err),
		kong.Exit(exit),
	)
}
