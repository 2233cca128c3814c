package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/delivery"
	"belfry/internal/destination"
)

// formerNames are the names of a destination t before the present one that still
// reach it: those that no other has now.
const formerNames = `ARRAY(
			SELECT a.name
			FROM destination_aliases a
			WHERE a.destination_id = t.id
			  AND NOT EXISTS (SELECT FROM destinations o WHERE o.name_key = a.name_key AND o.deleted_at IS NULL)
			ORDER BY a.created_at, a.name_key)`

// Routing is what alerts are routed among, as far as routing and health take destinations
// to be known, and the version that every change of one, or of its names, raises.
type Routing struct {
	Version int64
	delivery.Among
}

const selectRoutingVersion = `
	SELECT version
	FROM routing`

// Routing returns the present destinations. They are never older than its version.
func (q queries) Routing(ctx context.Context) (Routing, error) {
	const query = `
		SELECT t.id, t.display_name, t.type, t.state, t.severities, t.alert_types, t.log_types, t.max_in_flight, ` + formerNames + `
		FROM destinations t
		WHERE t.deleted_at IS NULL
		ORDER BY t.created_at, t.id`
	var (
		r   Routing
		all []destination.Destination
	)
	b := &pgx.Batch{}
	b.Queue(selectRoutingVersion).QueryRow(func(row pgx.Row) error { return row.Scan(&r.Version) })
	b.Queue(query).Query(func(rows pgx.Rows) (err error) {
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (destination.Destination, error) {
			var d destination.Destination
			err := row.Scan(&d.ID, &d.DisplayName, &d.Type, &d.State, &d.Severities, &d.AlertTypes, &d.LogTypes, &d.Limits.MaxInFlight, &d.FormerNames)
			return d, err
		})
		return err
	})
	if err := q.q.SendBatch(ctx, b).Close(); err != nil {
		return Routing{}, fmt.Errorf("select destinations to route: %w", err)
	}
	r.Among = delivery.NewAmong(all)
	return r, nil
}

// DropFormerNames has a destination, whose row the caller has locked, no longer
// reached by names that it had.
func (tx *Tx) DropFormerNames(ctx context.Context, id uuid.UUID, names []string) error {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = destination.NameKey(name)
	}
	const query = `
		DELETE FROM destination_aliases
		WHERE destination_id = $1 AND name_key = ANY($2)`
	if _, err := tx.q.Exec(ctx, query, id, keys); err != nil {
		return fmt.Errorf("delete former names: %w", err)
	}
	return nil
}
