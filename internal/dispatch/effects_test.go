package dispatch

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/live"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// effects is what one change of a delivery does, in words: to its row, to its jobs, on
// the bus, in the metrics, in the log and in the audit log, and what the releasing
// side is told of its destination.
type effects struct {
	Row     string // status, reason, attempts of the run, attempts made, when it is due, stored runs
	Jobs    string // each that is left: old or new, its state, and whether the delivery is its owner
	Events  string
	Counted string // counters that moved, and by how much
	Logged  string
	Audited string
	Holds   string // what the releasing side believes in the end
}

// stage is a dispatcher that does nothing by itself, with one destination. Its jobs
// are those of the queue.
type stage struct {
	*fixture
	log *lines
	up  *sink
	to  destination.Destination
	id  uuid.UUID // of the delivery that is watched

	before  map[string]float64
	audits  int
	minutes int // by which the bus is ahead: it tells some changes once a second
	hadJobs map[int64]bool
	end     string // how a job's work ended
}

// newStage returns a stage with a destination that acks.
func newStage(t *testing.T, options ...option) *stage {
	t.Helper()
	return newStageOn(t, pgtest.New(t), options...)
}

func newStageOn(t *testing.T, db *postgres.DB, options ...option) *stage {
	t.Helper()
	s := &stage{log: new(lines), up: newSink(t)}
	logged := func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(s.log, nil)) }
	s.fixture = newDispatcher(t, db, append([]option{waits(time.Hour), logged, patiently}, options...)...).ready(t)
	s.to = s.webhook(t, s.up.URL)
	return s
}

// accepted has one delivery accepted, which is watched from then on.
func (s *stage) accepted(t *testing.T) {
	t.Helper()
	s.id = s.send(t, s.to, 1)[0]
}

// sets changes the row of the watched delivery.
func (s *stage) sets(t *testing.T, what string) {
	t.Helper()
	exec(t, s.fixture, `UPDATE deliveries SET `+what+` WHERE id = $1`, s.id)
}

// holds has the watched delivery held for a reason, without a job.
func (s *stage) holds(t *testing.T, r delivery.Reason) {
	t.Helper()
	exec(t, s.fixture, `DELETE FROM river_job WHERE args->>'deliveryId' = $1`, s.id.String())
	s.sets(t, `status = 'held', reason = '`+string(r)+`', held_at = now(), job_id = NULL`)
}

// failing has the destination taken for failing. The next probe is due after a time.
func (s *stage) failing(t *testing.T, nextProbe string) {
	t.Helper()
	exec(t, s.fixture, `
		INSERT INTO destination_health (destination_id, failures, unacked, failing_since, held_since, next_probe_at)
		VALUES ($1, 10, 10, now(), now(), now() + $2::interval)`, s.to.ID, nextProbe)
}

// slow has the destination ask to be left alone for a minute.
func (s *stage) slow(t *testing.T) {
	t.Helper()
	exec(t, s.fixture, `INSERT INTO destination_health (destination_id, slow_until) VALUES ($1, now() + interval '1 minute')`, s.to.ID)
}

func (s *stage) broken(t *testing.T) {
	t.Helper()
	exec(t, s.fixture, `UPDATE destinations SET settings = 'damaged' WHERE id = $1`, s.to.ID)
}

func (s *stage) paused(t *testing.T) {
	t.Helper()
	setState(t, s.fixture, s.to, destination.Paused)
}

// jobID is that of the job which owns the watched delivery.
func (s *stage) jobID(t *testing.T) int64 {
	t.Helper()
	return s.wait(t, s.id, func(delivery.Delivery) bool { return true }).JobID
}

// worked works a job as the queue does, and notes how its work ended.
func (s *stage) worked(ctx context.Context, jobID int64) {
	err := s.work(ctx, jobID, s.id)
	var snooze *river.JobSnoozeError
	switch {
	case err == nil:
		s.end = "over"
	case errors.As(err, &snooze) && snooze.Duration > time.Minute:
		s.end = "snoozed for long"
	case errors.As(err, &snooze):
		s.end = "snoozed"
	default:
		s.end = "failed: " + err.Error()
	}
}

// mark forgets what has happened so far.
func (s *stage) mark(t *testing.T) {
	t.Helper()
	s.told()
	s.log.reset()
	s.limiter.TakeLooks()
	s.before, s.hadJobs = s.counters(), map[int64]bool{}
	s.audits = count(t, s.fixture, `SELECT count(*) FROM audit_log`)
	for id := range s.jobs(t) {
		s.hadJobs[id] = true
	}
}

// effects returns what has happened since mark.
func (s *stage) effects(t *testing.T) effects {
	t.Helper()
	dl := s.wait(t, s.id, func(delivery.Delivery) bool { return true }).Delivery
	return effects{
		Row: s.row(t, dl), Jobs: s.jobsNow(t, dl), Events: s.events(dl), Counted: s.counted(), Logged: s.logged(t),
		Audited: s.audited(t), Holds: s.holdsNow(),
	}
}

func (s *stage) row(t *testing.T, dl delivery.Delivery) string {
	t.Helper()
	due := "not due"
	switch left := dl.DueAt.Sub(s.Now()); {
	case dl.DueAt.IsZero():
	case left > time.Minute:
		due = "due later"
	case left > 500*time.Millisecond:
		due = "due soon"
	default:
		due = "due"
	}
	text := fmt.Sprintf("%s %s, %d of run %d, %d made, %s", dl.Status, cmp.Or(dl.Reason, "-"), dl.Attempts, dl.Run, dl.Made, due)
	if dl.NextTrigger != delivery.Automatic {
		text += fmt.Sprintf(", %s by %s", dl.NextTrigger, dl.NextBy)
	}
	if dl.Priority != delivery.First {
		text += fmt.Sprintf(", priority %d", dl.Priority)
	}
	if !dl.HeldAt.IsZero() && dl.Status != delivery.Held {
		text += ", held all along"
	}
	if n := count(t, s.fixture, `SELECT count(*) FROM runs WHERE delivery_id = $1`, dl.ID); n > 0 {
		text += fmt.Sprintf(", %d runs stored", n)
	}
	return text
}

// jobs returns the states of the watched delivery's jobs.
func (s *stage) jobs(t *testing.T) map[int64]string {
	t.Helper()
	rows, err := s.db.Pool().Query(t.Context(), `SELECT id, state::text FROM river_job WHERE args->>'deliveryId' = $1`, s.id.String())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[int64]string{}
	for rows.Next() {
		var (
			id    int64
			state string
		)
		if err := rows.Scan(&id, &state); err != nil {
			t.Fatal(err)
		}
		found[id] = state
	}
	return found
}

func (s *stage) jobsNow(t *testing.T, dl delivery.Delivery) string {
	t.Helper()
	now := s.jobs(t)
	var list []string
	for _, id := range slices.Sorted(maps.Keys(now)) {
		text := "new " + now[id]
		if s.hadJobs[id] {
			text = "old " + now[id]
		}
		if id != dl.JobID {
			text += " and fenced out"
		}
		list = append(list, text)
	}
	if dl.JobID != 0 && now[dl.JobID] == "" {
		list = append(list, "one that is missing")
	}
	if s.end != "" {
		list = append(list, "work "+s.end)
	}
	return strings.Join(list, ", ")
}

// told takes what the bus would publish next.
func (s *stage) told() []live.Event {
	s.minutes++
	return s.fixture.Events.Take(s.Now().Add(time.Duration(s.minutes) * time.Minute))
}

func (s *stage) events(dl delivery.Delivery) string {
	var list []string
	for _, ev := range s.told() {
		text := ev.Kind
		switch {
		case ev.Kind == live.DeliveryChanged && ev.ID == dl.ID && ev.DestinationID == s.to.ID && ev.AlertID != "":
			text += fmt.Sprintf(" %s %s", ev.Status, cmp.Or(ev.Reason, "-"))
		case ev.Kind == live.DestinationChanged && ev.ID == s.to.ID, ev.Kind == live.BulkResendChanged, ev.Kind == live.AlertAccepted && ev.AlertID != "":
		default:
			text = fmt.Sprintf("of something else: %+v", ev)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// counters returns all counters, and how often each histogram was observed.
func (s *stage) counters() map[string]float64 {
	found := map[string]float64{}
	families, _ := s.registry.Gather()
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "belfry_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			switch {
			case m.GetCounter() != nil:
				found[name] = m.GetCounter().GetValue()
			case m.GetHistogram() != nil:
				found[name] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return found
}

func (s *stage) counted() string {
	var list []string
	now := s.counters()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if more := now[name] - s.before[name]; more != 0 {
			list = append(list, fmt.Sprintf("%s +%v", name, more))
		}
	}
	return strings.Join(list, ", ")
}

// logged returns the lines since mark. Each that is about a delivery must name it and
// its destination.
func (s *stage) logged(t *testing.T) string {
	t.Helper()
	var list []string
	for line := bufio.NewScanner(strings.NewReader(s.log.text())); line.Scan(); {
		var facts map[string]any
		if err := json.Unmarshal(line.Bytes(), &facts); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%s %s", facts["level"], facts["msg"])
		for _, key := range []string{"status", "reason", "deliveries"} {
			if facts[key] != nil {
				text += fmt.Sprintf(", %s %v", key, facts[key])
			}
		}
		if id := facts["delivery_id"]; id != nil && (id != s.id.String() || facts["destination_id"] != s.to.ID.String()) {
			t.Errorf("a line names another delivery or destination: %s", line.Text())
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

func (s *stage) audited(t *testing.T) string {
	t.Helper()
	var text string
	const query = `
		SELECT coalesce(string_agg(action || ' by ' || actor, ', '), '')
		FROM (SELECT action, actor FROM audit_log ORDER BY at OFFSET $1) AS new`
	err := s.db.Pool().QueryRow(t.Context(), query, s.audits).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// holdsNow is what the releasing side believes of the destination.
func (s *stage) holdsNow() string {
	var list []string
	if slices.Contains(s.limiter.TakeLooks(), s.to.ID) {
		list = append(list, "worth a look")
	}
	if s.limiter.Freed(s.to.ID); slices.Contains(s.limiter.TakeLooks(), s.to.ID) {
		list = append(list, "some held")
	}
	if s.limiter.HasManual(s.to.ID) {
		list = append(list, "some asked for")
	}
	return strings.Join(list, ", ")
}

// pinned is one change of a delivery: what comes before it, the change itself, and
// its effects.
type pinned struct {
	name    string
	options []option
	given   func(*testing.T, *stage)
	do      func(*testing.T, *stage)
	want    effects
}

// pin checks the effects of changes, each on a stage of its own.
func pin(t *testing.T, changes []pinned) {
	t.Helper()
	for _, tt := range changes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, tt.options...)
			tt.given(t, s)
			s.mark(t)
			tt.do(t, s)
			if diff := gocmp.Diff(tt.want, s.effects(t)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// answers has the destination answer with a status code from now on, and one delivery
// accepted for it.
func answers(code int) func(*testing.T, *stage) {
	return func(t *testing.T, s *stage) {
		t.Helper()
		s.up.answer(code)
		s.accepted(t)
	}
}

func works(t *testing.T, s *stage) {
	t.Helper()
	s.worked(t.Context(), s.jobID(t))
}

// cutShort works the job, and ends its attempt from our side once it is under way.
func cutShort(t *testing.T, s *stage) {
	t.Helper()
	ctx, cut := context.WithCancel(t.Context())
	defer s.underWay(t, ctx)()
	cut()
}

// underWay works the job, and returns while its attempt is under way. The function
// returned waits for its end.
func (s *stage) underWay(t *testing.T, ctx context.Context) (ended func()) {
	t.Helper()
	s.up.hang()
	id, done := s.jobID(t), make(chan struct{})
	go func() { defer close(done); s.worked(ctx, id) }()
	until(t, "an attempt is under way", func() bool { _, present, _ := s.up.arrivals(); return present == 1 })
	return func() { <-done }
}
