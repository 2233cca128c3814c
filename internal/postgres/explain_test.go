package postgres_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"belfry/internal/postgres"
)

// explain carries a statement out, takes it back, and returns its plan: the one
// that a connection of this pool makes. EXPLAIN with parameters would plan for
// these whatever the pool is set to, so the statement is prepared, and executed.
func explain(t testing.TB, db *postgres.DB, sql string, args []any) planNode {
	t.Helper()
	if len(args) > 0 {
		if _, mode := args[0].(pgx.QueryExecMode); mode {
			args = args[1:]
		}
	}
	tx, err := db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context()) //nolint:errcheck // it only has to be gone
	prepared, err := tx.Conn().Prepare(t.Context(), "explained", sql)
	if err != nil {
		t.Fatalf("prepare %s: %v", sql, err)
	}
	defer tx.Conn().Deallocate(t.Context(), "explained") //nolint:errcheck // likewise
	execute := "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE explained"
	if len(args) > 0 {
		execute += "(" + literals(t, tx.Conn().TypeMap(), prepared.ParamOIDs, args) + ")"
	}
	var (
		text  []byte
		plans []struct{ Plan planNode }
	)
	if err := tx.QueryRow(t.Context(), execute, pgx.QueryExecModeSimpleProtocol).Scan(&text); err != nil {
		t.Fatalf("explain %s: %v", sql, err)
	}
	if err := json.Unmarshal(text, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}

// literals writes arguments as they stand in a statement.
func literals(t testing.TB, types *pgtype.Map, oids []uint32, args []any) string {
	t.Helper()
	list := make([]string, len(args))
	for i, arg := range args {
		text, err := types.Encode(oids[i], pgtype.TextFormatCode, arg, []byte{}) // nil would make NULL of an empty text
		if err != nil {
			t.Fatalf("argument $%d: %v", i+1, err)
		}
		list[i] = "NULL"
		if text != nil {
			list[i] = "'" + strings.ReplaceAll(string(text), "'", "''") + "'"
		}
	}
	return strings.Join(list, ", ")
}

// A plan is what the pool makes of it: on the dispatcher's one for any arguments,
// on the API's one for those that are given.
func TestExplainedAsOnItsPool(t *testing.T) {
	t.Parallel()
	const query = `
		SELECT d.id
		FROM deliveries d
		WHERE ($1::text[] IS NULL OR d.alert_id = '00000000-0000-0000-0000-000000000001') AND d.id = ANY($2)`
	args := []any{[]string(nil), []string{"00000000-0000-0000-0000-000000000002"}}
	for name, byKey := range map[string]bool{"the API's": false, "the dispatcher's": true} {
		db := openAs(t, byKey)
		p := explain(t, db, query, args)
		if general := strings.Contains(fmt.Sprintf("%+v", p), "$1"); general != byKey {
			t.Errorf("%s pool: %+v", name, p)
		}
	}
}
