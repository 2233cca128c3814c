package devpg

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// errBusy means that remains of an earlier server kept this one from starting.
var errBusy = errors.New("an earlier postgres is not quite gone")

// retryFor is how long remains of an earlier server may take to go. A killed
// server's children, or its zombie, hold the data for a moment.
const retryFor = 10 * time.Second

// serve starts Postgres and returns when the database "belfry" is there.
func (c *cluster) serve(ctx context.Context) (*process, error) {
	giveUp := time.After(retryFor)
	for {
		p, err := c.attempt(ctx)
		if !errors.Is(err, errBusy) {
			return p, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-giveUp:
			return nil, err
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

func (c *cluster) attempt(ctx context.Context) (*process, error) {
	if err := c.clearStale(ctx); err != nil {
		return nil, err
	}
	log, err := openLog(c.logPath())
	if err != nil {
		return nil, err
	}
	defer log.file.Close() //nolint:errcheck // the child has its own
	// The server outlives ctx, which bounds its start only.
	cmd := c.postgres(context.WithoutCancel(ctx))
	cmd.Stdout, cmd.Stderr = log.file, log.file
	p, err := launch(cmd)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	err = c.ready(ctx, p)
	if err == nil {
		return p, nil
	}
	_ = p.stop() // the first error says why
	tail := log.tail()
	if strings.Contains(tail, "already exists") || strings.Contains(tail, "still in use") {
		err = fmt.Errorf("%w: %w", errBusy, err)
	}
	return nil, fmt.Errorf("%w; the last lines of %s:\n%s", err, c.logPath(), tail)
}

// ready waits until the server answers and makes the database. Recovery after
// a crash may take a minute, so there is no deadline but that of ctx.
func (c *cluster) ready(ctx context.Context, p *process) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	// A connection alone proves little: it may be to the server of before.
	want := pidFile{pid: p.cmd.Process.Pid, status: "ready"}
	for {
		if got, err := readPidFile(c.data); err == nil && got == want {
			return c.makeDatabase(ctx)
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("postgres ended while starting: %v", p.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres to be ready: %w", ctx.Err())
		}
	}
}

func (c *cluster) makeDatabase(ctx context.Context) (err error) {
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	const query = `
		SELECT EXISTS (
			SELECT FROM pg_database
			WHERE datname = 'belfry'
		)`
	var exists bool
	if err := conn.QueryRow(ctx, query).Scan(&exists); err != nil {
		return fmt.Errorf("look for database belfry: %w", err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE belfry"); err != nil {
		return fmt.Errorf("create database belfry: %w", err)
	}
	return nil
}

// postgres prepares the server. Settings on the command line win over the
// files in the data directory, so an old one runs as a new one does.
func (c *cluster) postgres(ctx context.Context) *exec.Cmd {
	settings := []string{
		"listen_addresses=",
		"port=" + port,
		`unix_socket_directories="` + c.socket + `"`,
		"unix_socket_permissions=0700",
		"logging_collector=off",
		"log_destination=stderr",
		"log_timezone=UTC",
		"timezone=UTC",
		"max_connections=100",
		"shared_buffers=128MB",
		"max_wal_size=2GB",
		"wal_compression=on",
		"checkpoint_timeout=15min",
		"checkpoint_completion_target=0.9",
	}
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		value := "on"
		if c.noSync {
			value = "off"
		}
		settings = append(settings, name+"="+value)
	}
	args := []string{"-D", c.data}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return c.acct.command(ctx, c.root, c.bin.program("postgres"), args...)
}
