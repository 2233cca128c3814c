package migrations_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/internal/pgtest"
	"belfry/migrations"
)

func TestMain(m *testing.M) {
	migrations.Hurry()
	pgtest.Main(m)
}

// empty returns a pool on an empty database, whose queries a tracer sees; nil for
// none.
func empty(t *testing.T, tracer pgx.QueryTracer) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(pgtest.NewEmptyURL(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// beside returns a connection to the same database that no tracer sees.
func beside(t *testing.T, pool *pgxpool.Pool) *pgx.Conn {
	t.Helper()
	cfg := pool.Config().ConnConfig
	cfg.Tracer = nil
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func status(t *testing.T, pool *pgxpool.Pool) []migrations.Step {
	t.Helper()
	steps, err := migrations.Status(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// tables returns the tables of a database, but those of goose.
func tables(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT relname::text
		FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'goose_db_version'
		ORDER BY relname`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// schema describes everything that migrations make, without the partitions of
// attempts, which are of today.
func schema(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	const query = `
		SELECT format('%s %s %s', c.relkind, c.relname, c.reloptions)
		FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind NOT IN ('i', 'I')
		UNION ALL
		SELECT format('column %s.%s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
			pg_get_expr(d.adbin, d.adrelid))
		FROM pg_attribute a
		JOIN pg_class c ON c.oid = a.attrelid
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL
		SELECT format('index %s valid %s ready %s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready)
		FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = 'public'::regnamespace
		UNION ALL
		SELECT format('constraint %s on %s %s %s', conname, conrelid::regclass, pg_get_constraintdef(oid), convalidated)
		FROM pg_constraint
		WHERE connamespace = 'public'::regnamespace
		UNION ALL
		SELECT format('function %s %s', oid::regprocedure, prosrc)
		FROM pg_proc
		WHERE pronamespace = 'public'::regnamespace
		UNION ALL
		SELECT format('trigger %s', pg_get_triggerdef(oid))
		FROM pg_trigger
		WHERE NOT tgisinternal
		UNION ALL
		SELECT format('type %s %s', t.typname, e.enumlabel)
		FROM pg_type t
		JOIN pg_enum e ON e.enumtypid = t.oid
		WHERE t.typnamespace = 'public'::regnamespace`
	rows, err := pool.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.Contains(line, "attempts_2") || strings.Contains(line, "goose_db_version")
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// schemas returns the schema at each version, that of an empty database at 0, made
// without interruption.
func schemas(t *testing.T) map[int64]string {
	t.Helper()
	pool := empty(t, nil)
	at := map[int64]string{0: schema(t, pool)}
	for _, s := range status(t, pool) {
		if err := migrations.Run(t.Context(), pool, s, migrations.DirectionUp); err != nil {
			t.Fatal(err)
		}
		at[s.Version] = schema(t, pool)
	}
	return at
}

func differ(t *testing.T, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, line := range gotLines {
		if !slices.Contains(wantLines, line) {
			t.Errorf("%s: there is also %s", what, line)
		}
	}
	for _, line := range wantLines {
		if !slices.Contains(gotLines, line) {
			t.Errorf("%s: there is no %s", what, line)
		}
	}
	if !t.Failed() {
		t.Error(fmt.Errorf("%s: something is there twice", what))
	}
}

// tookBack compares the schema that a way back leaves with the one before the step. A
// CHECK that the way back made anew may be NOT VALID: it holds for all that is written,
// and to validate it would keep the version before from a big table meanwhile.
func tookBack(t *testing.T, what, got, want string) {
	t.Helper()
	lines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i, line := range lines {
		check, notValid := strings.CutSuffix(line, " NOT VALID f")
		if valid := check + " t"; notValid && slices.Contains(wantLines, valid) {
			lines[i] = valid
		}
	}
	differ(t, what, strings.Join(lines, "\n"), want)
}
