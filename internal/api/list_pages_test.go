package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// manyAlerts stores alerts past Belfry, each delivered to one destination: "many
// 1" is the oldest, and the only one of type POLICY.
func (h *harness) manyAlerts(t testing.TB, to CreatedDestination, n int) {
	t.Helper()
	const query = `
		WITH made AS (
			SELECT n, (lpad(to_hex(1700000000000 + n), 12, '0') || '70008000000000000000')::uuid AS id, now() AS at
			FROM generate_series(1, $1::integer) AS n
		), stored AS (
			INSERT INTO alerts (id, alert_id, detection_id, severity, type, title, name, link, description, runbook, version,
				tags, log_types, input_hash, created_at, created_at_nanos, accepted_at, accepted_by)
			SELECT id, 'many ' || n, 'd', 'LOW', CASE n WHEN 1 THEN 'POLICY' ELSE 'RULE' END, '', '', '', '', '', '', '{}', '{}', '',
				at, 0, at, 'test'
			FROM made
		)
		INSERT INTO deliveries (id, alert_id, destination_id, routed_by, status, max_attempts, created_at, first_ack_at, finished_at)
		SELECT id, id, $2, 'filters', 'delivered', 1, at, at, at
		FROM made`
	if _, err := h.db.Pool().Exec(t.Context(), query, n, to.ID); err != nil {
		t.Fatal(err)
	}
}

// pages follows a list to its end and returns the alertIds on each page.
func (h *harness) pages(t testing.TB, path string) (pages [][]string) {
	t.Helper()
	for more := ""; ; {
		page := decode[struct {
			Items      []struct{ AlertID string }
			NextCursor *string
		}](t, h.get(t, path+more), 200)
		ids := []string{}
		for _, item := range page.Items {
			ids = append(ids, item.AlertID)
		}
		pages = append(pages, ids)
		if page.NextCursor == nil {
			return pages
		}
		more = "&cursor=" + url.QueryEscape(*page.NextCursor)
	}
}

// A page ends when enough has been looked at, and says where to go on.
func TestPagesMayBeShort(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.manyAlerts(t, h.hook(t, "http://a.test"), 5500)
	for _, path := range []string{
		alertsPath + "?type=POLICY", alertsPath + "?q=MANY+1&type=POLICY", alertsPath + "?deliveryStatus=delivered&type=POLICY",
		deliveriesPath + "?type=POLICY", deliveriesPath + "?status=delivered&type=POLICY",
	} {
		pages := h.pages(t, path)
		if len(pages) < 2 || len(pages[0]) != 0 || !slices.Equal(slices.Concat(pages...), []string{"many 1"}) {
			t.Errorf("%s: %d pages, %v", path, len(pages), pages)
		}
	}
	// What can be found without looking at all is on one page. A machine that stands still
	// for a moment ends a page early, so each may be asked for again.
	for path, want := range map[string]int{
		alertsPath + "?deliveryStatus=failed": 0, deliveriesPath + "?status=failed": 0, deliveriesPath + "?alertId=many+1": 1,
		deliveriesPath + "?reason=paused&status=failed": 0, alertsPath + "?destinationId=" + anyID: 0,
	} {
		until(t, fmt.Sprintf("%s has %d on one page", path, want), func() bool {
			pages := h.pages(t, path)
			return len(pages) == 1 && len(pages[0]) == want
		})
	}
}

// What was counted to its end is exact, whatever there is of another status.
func TestCountsAreCappedEachByItself(t *testing.T) {
	t.Parallel()
	const bound = 5000
	exact := func(n int) StatusCount { return StatusCount{Count: n} }
	for name, tt := range map[string]struct {
		delivered int
		query     string
		want      DeliveryCounts
	}{
		"as many as are counted": {bound, "", DeliveryCounts{Delivered: exact(bound)}},
		"one more":               {bound + 1, "", DeliveryCounts{Delivered: StatusCount{Count: bound, Capped: true}}},
		"of one alert":           {bound + 1, "?alertId=many+1", DeliveryCounts{Delivered: exact(1)}},
		"of a destination": {
			bound + 1, "?destinationId=%s", DeliveryCounts{Delivered: StatusCount{Count: bound / 2, Capped: true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAPI(t, idle)
			hook := h.hook(t, "http://a.test")
			h.manyAlerts(t, hook, tt.delivered)
			query := strings.ReplaceAll(tt.query, "%s", hook.ID.String())
			got := decode[DeliveryCounts](t, h.get(t, deliveriesPath+"/counts"+query), 200)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("nothing but delivered ones (-want +got):\n%s", diff)
			}
		})
	}
}

// Many that failed say nothing of those that were delivered, and the other way round.
func TestCountsOfManyFailed(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	h.manyAlerts(t, h.hook(t, "http://a.test"), 5200)
	const query = `
		UPDATE deliveries
		SET status = CASE nth WHEN 2 THEN 'cancelled' ELSE 'failed' END, first_ack_at = NULL,
		    reason = CASE nth WHEN 2 THEN 'by_person' ELSE 'attempts_exhausted' END
		FROM (SELECT id AS ranked, row_number() OVER (ORDER BY id DESC) AS nth FROM deliveries) AS r
		WHERE id = ranked AND nth > 1`
	if _, err := h.db.Pool().Exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	got := decode[DeliveryCounts](t, h.get(t, deliveriesPath+"/counts"), 200)
	want := DeliveryCounts{Failed: StatusCount{Count: 5000, Capped: true}, Delivered: StatusCount{Count: 1, Capped: true}, Cancelled: StatusCount{Count: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("one was delivered last, and one cancelled (-want +got):\n%s", diff)
	}
	if _, err := h.db.Pool().Exec(t.Context(), `DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries ORDER BY id LIMIT 200)`); err != nil {
		t.Fatal(err)
	}
	got = decode[DeliveryCounts](t, h.get(t, deliveriesPath+"/counts"), 200)
	want = DeliveryCounts{Failed: StatusCount{Count: 4998}, Delivered: StatusCount{Count: 1}, Cancelled: StatusCount{Count: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("as many as are looked at (-want +got):\n%s", diff)
	}
}
