package past

import (
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/cmd/bench/internal/database"
	"belfry/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// What is made up has the shape that performance.md says, and could have come
// about.
func TestPastHasWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	const alerts = 2 * seedChunk
	pool, err := database.OpenPool(t.Context(), pgtest.NewURL(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	until := time.Now().Add(-seedEnds).UTC().Truncate(time.Millisecond)
	p := &past{pool: pool, count: alerts, from: until.AddDate(0, 0, -25), until: until}
	for range Destinations {
		p.destinations = append(p.destinations, uuid.New())
	}
	if err := p.fill(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		query string
		want  int
	}{
		"alerts":                   {`SELECT count(*) FROM alerts`, alerts},
		"unrouted":                 {`SELECT count(*) FROM alerts WHERE unrouted IS NOT NULL`, alerts / block},
		"deliveries":               {`SELECT count(*) FROM deliveries`, 2 * alerts},
		"attempts":                 {`SELECT count(*) FROM attempts`, AttemptsOf(alerts)},
		"delivered":                {`SELECT count(*) FROM deliveries WHERE status = 'delivered' AND first_ack_at = finished_at`, 2 * alerts * 9 / 10},
		"failed":                   {`SELECT count(*) FROM deliveries WHERE status = 'failed' AND attempts = 11`, 2 * alerts / 10},
		"at once":                  {`SELECT count(*) FROM deliveries WHERE made = 1`, 2 * alerts * 14 / cycle},
		"destinations":             {`SELECT count(DISTINCT destination_id) FROM deliveries`, Destinations},
		"of no alert":              {`SELECT count(*) FROM deliveries d WHERE NOT EXISTS (SELECT FROM alerts a WHERE a.id = d.alert_id)`, 0},
		"unrouted with deliveries": {`SELECT count(*) FROM alerts a JOIN deliveries d ON d.alert_id = a.id WHERE a.unrouted IS NOT NULL`, 0},
		"not their last attempt": {`
			SELECT count(*)
			FROM deliveries d
			LEFT JOIN attempts t ON t.id = d.last_attempt_id AND t.delivery_id = d.id AND t.number = d.attempts AND t.class = d.last_class
			WHERE t.id IS NULL`, 0},
		"made before": {`
			SELECT count(*)
			FROM attempts t
			JOIN deliveries d ON d.id = t.delivery_id
			WHERE t.started_at < d.created_at OR t.started_at > d.finished_at OR d.finished_at > now()`, 0},
		"before the one before": {`
			SELECT count(*)
			FROM (SELECT id, lag(id) OVER w AS before, started_at, lag(started_at) OVER w AS began
			      FROM attempts WINDOW w AS (PARTITION BY delivery_id ORDER BY number)) t
			WHERE id < before OR started_at < began`, 0},
		"with an id of another time": {`
			SELECT count(*)
			FROM attempts
			WHERE abs(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint - extract(epoch FROM started_at) * 1000) > 1
			   OR substr(id::text, 15, 1) <> '7'`, 0},
	} {
		var got int
		if err := pool.QueryRow(t.Context(), c.query).Scan(&got); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}
