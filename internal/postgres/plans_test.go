package postgres_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/postgres"
)

// planNode is a step of a plan that was carried out.
type planNode struct {
	NodeType     string     `json:"Node Type"`
	Relation     string     `json:"Relation Name"`
	Index        string     `json:"Index Name"`
	Rows         float64    `json:"Actual Rows"` // of one loop, as what follows but Loops
	FilteredOut  float64    `json:"Rows Removed by Filter"`
	RecheckedOut float64    `json:"Rows Removed by Index Recheck"`
	Loops        float64    `json:"Actual Loops"`
	Filter       string     `json:"Filter"`
	Plans        []planNode `json:"Plans"`
}

// visited is how many rows of its table a step read.
func (n planNode) visited() float64 {
	return n.Loops * max(1, n.Rows+n.FilteredOut+n.RecheckedOut)
}

// large reports whether a table is one that grows with every alert, or with what
// people do.
func large(table string) bool {
	return table == "alerts" || table == "deliveries" || table == "audit_log" || strings.HasPrefix(table, "attempts")
}

// faults are the steps of a plan that read a whole large table, or more than most
// rows of one.
func (n planNode) faults(most float64) (list []string) {
	if large(n.Relation) && (n.NodeType == "Seq Scan" || n.visited() > most) {
		list = append(list, fmt.Sprintf("%s of %s by %q visits %.0f rows", n.NodeType, n.Relation, n.Index, n.visited()))
	}
	for _, below := range n.Plans {
		list = append(list, below.faults(most)...)
	}
	return list
}

// mostOf is how many rows of a table a call may visit: those that a list scans,
// each with a few rows that belong to it, and for a count those of each status.
func mostOf(call string) float64 {
	switch {
	case strings.HasPrefix(call, "count "):
		return 6 * postgres.CountByIndex
	case strings.HasPrefix(call, "bulk again"):
		return math.Inf(1) // as much as the filter selects
	case strings.HasPrefix(call, "bulk "):
		return 10_000 // of those that failed or were cancelled, not of all 80,000
	}
	return 2*postgres.MaxScanned + 100
}

// TestPlans holds each list, count and look-up to what it may read, with filters
// that match much, little and nothing: also when what Postgres knows of the tables
// is no longer so.
func TestPlans(t *testing.T) {
	t.Parallel()
	db := open(t)
	fill(t, db, 40_000)
	exec(t, db, `
		INSERT INTO audit_log (id, at, actor, action, subject_type, subject_id, detail, request_id)
		SELECT id_at(now() - interval '1 minute' * n, n, 'c'), now(), CASE WHEN n = 29000 THEN 'bob' ELSE 'ada' END,
			CASE WHEN n > 29990 THEN 'token.create' WHEN n = 28000 THEN 'delivery.cancel' ELSE 'delivery.resend' END,
			CASE WHEN n > 29990 THEN 'token' ELSE 'delivery' END, (n % 10000)::text, '{}', ''
		FROM generate_series(1, 30000) AS n`)
	exec(t, db, "ANALYZE audit_log")
	calls := lists()
	maps.Copy(calls, lookUps(t, db))
	maps.Copy(calls, bulks())
	t.Run("as planned for", func(t *testing.T) { checkPlans(t, db, calls) })

	maps.DeleteFunc(calls, func(name string, _ call) bool { return strings.Contains(name, ", ") }) // what is left is enough
	exec(t, db, `
		UPDATE deliveries
		SET status = 'delivered', reason = NULL, first_ack_at = now()
		WHERE status = 'failed' AND created_at > now() - interval '29 days'`)
	exec(t, db, `
		UPDATE audit_log
		SET subject_type = 'destination'
		WHERE subject_type = 'delivery' AND id > id_at(now() - interval '18 days', 0, 'c')`)
	t.Run("when what is taken for common is long ago", func(t *testing.T) { checkPlans(t, db, calls) })

	exec(t, db, "ANALYZE deliveries")
	exec(t, db, `
		UPDATE deliveries
		SET status = 'held', reason = 'paused', due_at = now(), finished_at = NULL
		WHERE destination_id = $1 AND status = 'delivered'`, destinationID(2))
	t.Run("when there is much of what is taken for rare", func(t *testing.T) { checkPlans(t, db, calls) })

	exec(t, db, "ANALYZE deliveries")
	t.Run("when that is known", func(t *testing.T) { checkPlans(t, db, calls) })
}

// checkPlans makes calls and looks at the plan of each query that they make.
func checkPlans(t *testing.T, db *postgres.DB, calls map[string]call) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		t.Run(name, func(t *testing.T) {
			queries := 0
			watched := postgres.Watch(db, func(sql string, args []any) {
				queries++
				for _, fault := range explain(t, db, sql, args).faults(mostOf(name)) {
					t.Errorf("%s\nin %s\nwith %v", fault, sql, args)
				}
			})
			if err := calls[name](t, watched); err != nil {
				t.Error(err)
			}
			if queries == 0 {
				t.Error("no query was seen")
			}
		})
	}
}

type call func(t *testing.T, db *postgres.DB) error

func listAlerts(f postgres.AlertFilter) call {
	return func(t *testing.T, db *postgres.DB) error {
		list, _, err := db.Alerts(t.Context(), f)
		ids := make([]uuid.UUID, len(list))
		for i, a := range list {
			ids[i] = a.ID
		}
		if err == nil {
			_, err = db.DeliveriesOf(t.Context(), ids)
		}
		return err
	}
}

func listDeliveries(f postgres.DeliveryFilter) call {
	return func(t *testing.T, db *postgres.DB) error {
		list, _, err := db.Deliveries(t.Context(), f)
		var ids []uuid.UUID
		for _, d := range list {
			ids = append(ids, d.LastAttemptID)
		}
		if err == nil {
			_, err = db.AttemptsByID(t.Context(), ids, 2<<10)
		}
		return err
	}
}

func countDeliveries(f postgres.DeliveryFilter) call {
	return func(t *testing.T, db *postgres.DB) error {
		_, err := db.CountDeliveries(t.Context(), f)
		return err
	}
}

// lists are the lists with every filter: as they are, of long ago, and on a page
// deep down.
func lists() map[string]call {
	calls := map[string]call{}
	ago := func(days int) time.Time { return time.Now().AddDate(0, 0, -days) }
	deep := func(days int) (id uuid.UUID) {
		ms := ago(days).UnixMilli()
		for i := range 6 {
			id[i] = byte(ms >> (40 - 8*i))
		}
		return id
	}
	for name, f := range alertFilters() {
		f.Limit = 51
		calls["alerts "+name] = listAlerts(f)
		before, past := f, f
		before.Before, before.Limit = deep(20), 201
		past.From, past.To = ago(25), ago(23)
		calls["alerts "+name+", deep"] = listAlerts(before)
		calls["alerts "+name+", long ago"] = listAlerts(past)
	}
	for name, f := range deliveryFilters() {
		f.Limit = 51
		calls["deliveries "+name] = listDeliveries(f)
		before, past := f, f
		before.Before, before.Limit = deep(20), 201
		past.From, past.To = ago(25), ago(23)
		calls["deliveries "+name+", deep"] = listDeliveries(before)
		calls["deliveries "+name+", long ago"] = listDeliveries(past)
		if f.Statuses == nil {
			calls["count "+name] = countDeliveries(f)
			calls["count "+name+", long ago"] = countDeliveries(past)
		}
	}
	return calls
}

func alertFilters() map[string]postgres.AlertFilter {
	yes := true
	return map[string]postgres.AlertFilter{
		"all":                             {},
		"common severity":                 {Severities: []string{"LOW"}},
		"no such severity":                {Severities: []string{"CRITICAL"}},
		"rare type":                       {Types: []string{"SYSTEM_ERROR"}},
		"no such log type":                {LogTypes: []string{"Nothing"}},
		"unrouted":                        {Unrouted: &yes},
		"unknown name":                    {Unknown: "Nobody"},
		"rare unknown name and text":      {Unknown: "Name 3", Query: "something", Severities: []string{"LOW"}},
		"no such unknown name":            {Unknown: "x"},
		"unknown name and failed":         {Unknown: "Nobody", Statuses: []string{"failed"}},
		"common text":                     {Query: "something"},
		"no such text":                    {Query: "nothing has this"},
		"failed":                          {Statuses: []string{"failed"}},
		"held":                            {Statuses: []string{"held"}},
		"cancelled":                       {Statuses: []string{"cancelled"}},
		"open":                            {Statuses: []string{"queued", "retrying", "held"}},
		"delivered":                       {Statuses: []string{"delivered"}},
		"destination":                     {DestinationID: destinationID(2)},
		"no such destination":             {DestinationID: destinationID(200)},
		"destination and severity":        {DestinationID: destinationID(6), Severities: []string{"CRITICAL"}},
		"destination and text":            {DestinationID: destinationID(4), Query: "99"},
		"failed and destination":          {DestinationID: destinationID(6), Statuses: []string{"failed"}},
		"failed and destination and text": {DestinationID: destinationID(6), Statuses: []string{"failed"}, Query: "nothing has this"},
		"unrouted and failed":             {Unrouted: &yes, Statuses: []string{"failed"}},
	}
}

func deliveryFilters() map[string]postgres.DeliveryFilter {
	two, many := []uuid.UUID{destinationID(2)}, []uuid.UUID{}
	for n := range byte(40) {
		many = append(many, destinationID(n))
	}
	return map[string]postgres.DeliveryFilter{
		"all":                                    {},
		"delivered":                              {Statuses: []string{"delivered"}},
		"failed":                                 {Statuses: []string{"failed"}},
		"held":                                   {Statuses: []string{"held"}},
		"open":                                   {Statuses: []string{"queued", "retrying", "held"}},
		"not delivered":                          {Statuses: []string{"queued", "retrying", "held", "failed", "cancelled"}},
		"cancelled":                              {Statuses: []string{"cancelled"}},
		"failed of no such class":                {Statuses: []string{"failed"}, Classes: []string{"tls"}},
		"failed of no such severity":             {Statuses: []string{"failed"}, Severities: []string{"CRITICAL"}},
		"held of no such class":                  {Statuses: []string{"held"}, Classes: []string{"tls"}},
		"held of a destination of no such class": {DestinationIDs: two, Statuses: []string{"held"}, Classes: []string{"tls"}},
		"open of a destination of no such class": {DestinationIDs: two, Statuses: []string{"queued", "retrying", "held"}, Classes: []string{"tls"}},
		"expired":                                {Reasons: []string{"expired"}},
		"by person":                              {Reasons: []string{"by_person"}},
		"destination":                            {DestinationIDs: two},
		"no such destination":                    {DestinationIDs: []uuid.UUID{destinationID(200)}},
		"many destinations":                      {DestinationIDs: many},
		"failed of many destinations":            {DestinationIDs: many, Statuses: []string{"failed"}},
		"failed of a destination":                {DestinationIDs: two, Statuses: []string{"failed"}},
		"open of a destination":                  {DestinationIDs: two, Statuses: []string{"queued", "retrying", "held"}},
		"delivered of a destination":             {DestinationIDs: two, Statuses: []string{"delivered"}},
		"failed of a destination and rare":       {DestinationIDs: two, Statuses: []string{"failed"}, Types: []string{"SYSTEM_ERROR"}},
		"destination and no such class":          {DestinationIDs: two, Classes: []string{"tls"}},
		"destination and no such severity":       {DestinationIDs: two, Severities: []string{"CRITICAL"}},
		"timeouts of two destinations":           {DestinationIDs: []uuid.UUID{destinationID(1), destinationID(6)}, Classes: []string{"timeout"}},
		"timeouts not delivered":                 {Statuses: []string{"retrying", "held", "failed", "cancelled"}, Classes: []string{"timeout"}},
		"alert":                                  {AlertID: "alert-2501"},
		"alert and failed of a destination":      {AlertID: "alert-2501", DestinationIDs: two, Statuses: []string{"failed"}},
		"no such alert":                          {AlertID: "nothing"},
		"common class":                           {Classes: []string{"acked"}},
		"no such class":                          {Classes: []string{"tls"}},
		"no such code":                           {StatusCode: 404},
		"by hand":                                {RoutedBy: []string{"manual"}},
		"common severity":                        {Severities: []string{"LOW"}},
		"no such severity":                       {Severities: []string{"CRITICAL"}},
		"rare type":                              {Types: []string{"SYSTEM_ERROR"}},
		"rare type and no such class":            {Types: []string{"SYSTEM_ERROR"}, Classes: []string{"tls"}, StatusCode: 404},
	}
}

// lookUps are the calls for one thing, and the lists that are not scanned.
func lookUps(t *testing.T, db *postgres.DB) map[string]call {
	t.Helper()
	old, _, err := db.Deliveries(t.Context(), postgres.DeliveryFilter{To: time.Now().AddDate(0, 0, -20), Statuses: []string{"delivered"}, Limit: 200})
	if err != nil || len(old) != 200 {
		t.Fatal(len(old), err)
	}
	one := old[0]
	audit := func(f postgres.AuditFilter) call {
		return func(t *testing.T, db *postgres.DB) error {
			f.Limit = 51
			list, _, err := db.AuditLog(t.Context(), f)
			if f.SubjectType == "alert" && len(list) > 0 || f.SubjectType == "token" && len(list) != 10 && f.SubjectID == "" {
				t.Errorf("%d entries", len(list))
			}
			return err
		}
	}
	return map[string]call{
		"alert": func(t *testing.T, db *postgres.DB) error {
			_, err := db.Alert(t.Context(), one.AlertID)
			return err
		},
		"unknown names": func(t *testing.T, db *postgres.DB) error {
			names, _, err := db.UnknownNames(t.Context(), time.Now().AddDate(0, 0, -20))
			if len(names) != 6 {
				t.Errorf("%d unknown names", len(names))
			}
			return err
		},
		"alerts naming": func(t *testing.T, db *postgres.DB) error {
			n, err := db.CountNaming(t.Context(), destinationID(2), time.Now().AddDate(0, 0, -31), 20_000)
			if n < 100 {
				t.Errorf("%d deliveries name it", n)
			}
			return err
		},
		"deliveries of alerts": func(t *testing.T, db *postgres.DB) error {
			var ids []uuid.UUID
			for _, d := range old {
				ids = append(ids, d.Delivery.AlertID)
			}
			_, err := db.DeliveriesOf(t.Context(), ids)
			return err
		},
		"delivery": func(t *testing.T, db *postgres.DB) error {
			_, err := db.Delivery(t.Context(), one.ID)
			return err
		},
		"runs": func(t *testing.T, db *postgres.DB) error {
			_, err := db.Runs(t.Context(), one.Delivery)
			return err
		},
		"attempts": func(t *testing.T, db *postgres.DB) error {
			as, err := db.AttemptsOf(t.Context(), one.ID)
			if len(as) != 1 {
				t.Errorf("%d attempts", len(as))
			}
			return err
		},
		"attempts of a page": func(t *testing.T, db *postgres.DB) error {
			var ids []uuid.UUID
			for _, d := range old {
				ids = append(ids, d.LastAttemptID)
			}
			as, err := db.AttemptsByID(t.Context(), ids, 2<<10)
			if len(as) != len(ids) {
				t.Errorf("%d attempts", len(as))
			}
			return err
		},
		"audit":                            audit(postgres.AuditFilter{}),
		"audit long ago":                   audit(postgres.AuditFilter{To: time.Now().AddDate(0, 0, -15)}),
		"audit of common type":             audit(postgres.AuditFilter{SubjectType: "delivery"}),
		"audit of rare type":               audit(postgres.AuditFilter{SubjectType: "token"}),
		"audit of no such type":            audit(postgres.AuditFilter{SubjectType: "alert"}),
		"audit of an id":                   audit(postgres.AuditFilter{SubjectID: "77"}),
		"audit of no such id":              audit(postgres.AuditFilter{SubjectID: "nothing"}),
		"audit of a common action":         audit(postgres.AuditFilter{Action: "delivery.resend"}),
		"audit of a rare action":           audit(postgres.AuditFilter{Action: "delivery.cancel"}),
		"audit of a rare type's":           audit(postgres.AuditFilter{Action: "token.create"}),
		"audit of no such action":          audit(postgres.AuditFilter{Action: "x"}),
		"audit of an actor":                audit(postgres.AuditFilter{Actor: "ada"}),
		"audit of a rare actor":            audit(postgres.AuditFilter{Actor: "bob"}),
		"audit of a rare actor's":          audit(postgres.AuditFilter{Actor: "bob", Action: "delivery.resend"}),
		"audit of a type and a rare actor": audit(postgres.AuditFilter{SubjectType: "delivery", Actor: "bob"}),
		"audit of a type and id":           audit(postgres.AuditFilter{SubjectType: "token", SubjectID: "77"}),
		"bulk re-sends": func(t *testing.T, db *postgres.DB) error {
			_, err := db.BulkResends(t.Context(), uuid.Nil, 51)
			return err
		},
		"held counts": func(t *testing.T, db *postgres.DB) error {
			_, err := db.HeldCounts(t.Context(), []uuid.UUID{destinationID(1), destinationID(2)})
			return err
		},
	}
}

// The checks above can fail: they do for the plainest statements.
func TestPlainPlans(t *testing.T) {
	t.Parallel()
	db := open(t)
	fill(t, db, 6000)
	for name, query := range map[string]string{
		"text":    "SELECT a.id FROM alerts a WHERE strpos(a.title, 'nothing') > 0 ORDER BY a.id DESC LIMIT 51",
		"class":   "SELECT d.id FROM deliveries d WHERE d.last_class = 'tls' ORDER BY d.id DESC LIMIT 51",
		"attempt": "SELECT x.id FROM attempts x WHERE x.class = 'tls'",
	} {
		if faults := explain(t, db, query, nil).faults(5000); len(faults) == 0 {
			t.Errorf("%s: no fault found", name)
		}
	}
}

// A plan is made for each call, so that it is made for the filter given.
func TestPlansAreNotKept(t *testing.T) {
	t.Parallel()
	db := open(t)
	for range 20 {
		if _, _, err := db.Deliveries(t.Context(), postgres.DeliveryFilter{Limit: 10}); err != nil {
			t.Fatal(err)
		}
	}
	var kept, made int
	const query = `
		SELECT sum(generic_plans), sum(custom_plans)
		FROM pg_prepared_statements
		WHERE statement LIKE '%deliveries%' AND statement NOT LIKE '%generic%'`
	if err := db.Pool().QueryRow(t.Context(), query).Scan(&kept, &made); err != nil {
		t.Fatal(err)
	}
	if kept != 0 || made < 20 {
		t.Errorf("%d plans were kept and %d made anew", kept, made)
	}
}
