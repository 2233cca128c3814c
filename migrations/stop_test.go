package migrations_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/internal/pgtest"
	"belfry/internal/postgres"
	"belfry/migrations"
)

// without returns a database that lacks one step, and all after it if those are many.
func without(t *testing.T, version int64, behind bool) *postgres.DB {
	t.Helper()
	db := pgtest.New(t)
	steps := status(t, db.Pool())
	for i := len(steps) - 1; i >= 0 && steps[i].Version >= version; i-- {
		if !behind && steps[i].Version > version {
			continue
		}
		if err := migrations.Run(t.Context(), db.Pool(), steps[i], migrations.DirectionDown); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// server has one live on a database that knows so many steps; 0: an old one, which does
// not say.
func server(t *testing.T, db *postgres.DB, schema int64) *postgres.Presence {
	t.Helper()
	if schema == 0 {
		old(t, db.Pool())
		return nil
	}
	p := db.Presence(postgres.Instance{ID: "a-server", Version: "v2", Roles: []string{"api"}, Schema: schema})
	if _, err := p.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Leave(context.Background()) })
	lives(t, db.Pool())
	return p
}

// old stores the heartbeat of a server from before servers said what they know.
func old(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	const query = `
		INSERT INTO instances (id, started_at, seen_at, version, roles)
		VALUES ('an-old-server', now(), now(), 'v1', '{api}')`
	if _, err := pool.Exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	lives(t, pool)
}

// lives has the last heartbeat be good for as long as a test may take.
func lives(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), `UPDATE instances SET seen_at = now() + interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
}

func migrate(t *testing.T, db *postgres.DB) ([]migrations.Step, error) {
	t.Helper()
	return migrations.Up(t.Context(), db.Pool(), func(text string) { t.Log(text) })
}

// A step that servers of an older version cannot run beside is applied when none of
// these lives, and not before, nor is any other.
func TestStepsThatNeedServersStopped(t *testing.T) {
	t.Parallel()
	newest, err := migrations.Newest()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range migrations.Stops {
		for name, tt := range map[string]struct {
			schema  int64 // that the server knows
			refused bool
		}{
			"an old server": {0, true}, "a server of the version before": {version - 1, true}, "a server that knows all": {newest, false},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				db := without(t, version, true)
				p := server(t, db, tt.schema)
				missing, err := migrations.Missing(t.Context(), db.Pool())
				if err != nil {
					t.Fatal(err)
				}
				done, err := migrate(t, db)
				if !tt.refused {
					if err != nil || len(done) != len(missing) {
						t.Errorf("%d of %d steps applied, %v", len(done), len(missing), err)
					}
					return
				}
				left, errLeft := migrations.Missing(t.Context(), db.Pool())
				if !errors.Is(err, migrations.ErrServersRun) || len(left) != len(missing) || errLeft != nil {
					t.Fatalf("%d steps were missing and %d are, %v", len(missing), len(left), err)
				}
				if text := err.Error(); !strings.Contains(text, "server, last heartbeat") || !strings.Contains(text, missing[0].Name) {
					t.Errorf("it says %q", text)
				}
				if p != nil {
					err = p.Leave(t.Context())
				} else {
					_, err = db.Pool().Exec(t.Context(), `UPDATE instances SET seen_at = now() - interval '11 seconds'`)
				}
				if err != nil {
					t.Fatal(err)
				}
				if done, err := migrate(t, db); err != nil || len(done) != len(missing) {
					t.Errorf("once it is gone, %d of %d steps are applied, %v", len(done), len(missing), err)
				}
			})
		}
	}
}

// Whoever says so migrates whatever runs.
func TestStepsRegardlessOfServers(t *testing.T) {
	t.Parallel()
	db := without(t, migrations.Stops[0], true)
	server(t, db, 0)
	done, err := migrations.UpRegardless(t.Context(), db.Pool(), func(text string) { t.Log(text) })
	if err != nil || len(done) == 0 {
		t.Errorf("%d steps applied, %v", len(done), err)
	}
}

// All other steps are applied while servers of an older version run: so servers are
// replaced one by one.
func TestOtherStepsNeedNoServersStopped(t *testing.T) {
	t.Parallel()
	const addColumns = 44
	db := without(t, addColumns, false)
	server(t, db, 0)
	if done, err := migrate(t, db); err != nil || len(done) != 1 || done[0].Version != addColumns {
		t.Errorf("%v applied, %v", done, err)
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	steps := status(t, empty(t, nil))
	if got, err := migrations.Newest(); err != nil || got != steps[len(steps)-1].Version {
		t.Errorf("got %d, %v; want %d", got, err, steps[len(steps)-1].Version)
	}
}
