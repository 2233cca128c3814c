package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"belfry/internal/postgres"
	"belfry/migrations"
)

// connect opens the database of DATABASE_URL for a command.
func (d database) connect(ctx context.Context) (*postgres.DB, error) {
	address, err := d.url()
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, postgres.Options{URL: address, MaxConns: 4, Name: "belfry command"})
}

// reach connects, and waits so long at most for a database that does not answer
// yet.
func (d database) reach(ctx context.Context, wait time.Duration, to streams) (*postgres.DB, error) {
	if _, err := d.url(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	retry := time.NewTicker(time.Second)
	defer retry.Stop()
	var last error
	for {
		db, err := d.connect(ctx)
		if err == nil {
			return db, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("waited for the database: %w", cmp.Or(last, err))
		}
		if !postgres.IsAway(err) {
			return nil, explainRefusal(err) // waiting would not help
		}
		if last == nil {
			fmt.Fprintf(to.err, "waiting up to %s for the database\n", wait)
		}
		last = err
		select {
		case <-retry.C:
		case <-ctx.Done():
		}
	}
}

// explainRefusal adds what to do where the database does not know the password.
func explainRefusal(err error) error {
	if !postgres.IsPassword(err) {
		return err
	}
	return fmt.Errorf("%w: the password of DATABASE_URL or PGPASSWORD is not the one that the database knows. "+
		"With Docker Compose, POSTGRES_PASSWORD is set only when the volume is made: put the former one back into .env, "+
		`or give the database the new one with `+"`docker compose exec postgres psql -U belfry -c '\\password'`", err)
}

type migrateCommand struct {
	Up     migrateUp     `cmd:"" default:"1" help:"Apply every missing step. Safe when several start at once."`
	Down   migrateDown   `cmd:"" help:"Take back the newest step. Data that only it holds is lost."`
	Status migrateStatus `cmd:"" help:"Show every step and whether it is applied."`
}

type migrateUp struct {
	database `embed:""`
	Force    bool `help:"Apply steps too that need servers of an older version stopped, while such servers run. They fail until they are replaced."`
}

func (c *migrateUp) Run(ctx context.Context, to streams) error {
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	up := migrations.Up
	if c.Force {
		up = migrations.UpRegardless
	}
	done, err := up(ctx, db.Pool(), to.tell)
	for _, s := range done {
		fmt.Fprintln(to.out, "applied", s.Name)
	}
	if err == nil && len(done) == 0 {
		fmt.Fprintln(to.out, "nothing to do: every step is applied")
	}
	return err
}

type migrateDown struct {
	database `embed:""`
}

func (c *migrateDown) Run(ctx context.Context, to streams) error {
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := migrations.Down(ctx, db.Pool(), to.tell)
	if err != nil {
		return err
	}
	fmt.Fprintln(to.out, "taken back", s.Name)
	return nil
}

type migrateStatus struct {
	database `embed:""`
}

func (c *migrateStatus) Run(ctx context.Context, to streams) error {
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	steps, err := migrations.Status(ctx, db.Pool())
	if err != nil {
		return err
	}
	for _, s := range steps {
		state := "missing"
		if s.Applied {
			state = "applied"
		}
		fmt.Fprintln(to.out, state, s.Name)
	}
	return migrations.Newer(steps)
}

// allowNewer says that a database is newer than this program, and lets that be: an
// older version may run on it, so that an upgrade can be taken back by starting the
// old program. Any other error stays one.
func allowNewer(to streams, err error) error {
	if errors.Is(err, migrations.ErrNewer) {
		to.tell(err.Error())
		return nil
	}
	return err
}

type healthCommand struct {
	URL string `help:"Where Belfry listens." default:"http://127.0.0.1:8080" env:"BELFRY_HEALTH_URL" placeholder:"URL"`
}

// Run fails unless the server says that it is ready.
func (c *healthCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // the status is all we want
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", resp.Status)
	}
	return nil
}
