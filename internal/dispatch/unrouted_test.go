package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/alert"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// naming returns the body of an alert that names destinations.
func naming(names ...string) string {
	list, err := json.Marshal(append([]string{}, names...))
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"id":"x","severity":"HIGH","type":"RULE","title":"t","destinations":%s}`, list)
}

func (f *fixture) unroutedCounts(t testing.TB) map[string]float64 {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		if family.GetName() == "belfry_alerts_unrouted_total" {
			for _, m := range family.GetMetric() {
				counts[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return counts
}

// Each alert that is unrouted, or does not go to all that it names, is counted once.
func TestUnroutedCount(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	want := map[string]float64{"by_request": 0, "no_match": 0, "unknown_destinations": 0, "partly_unknown": 0}
	if diff := cmp.Diff(want, f.unroutedCounts(t)); diff != "" {
		t.Errorf("before there was one (-want +got)\n%s", diff)
	}
	f.accept(t, `{"id":"x","severity":"HIGH","type":"RULE","title":"nobody takes it"}`)
	f.webhook(t, newSink(t).URL, named("One"))
	f.accept(t, anAlert)
	f.accept(t, naming("one"))
	f.accept(t, naming("SKIP", "two"))
	f.accept(t, naming())
	f.accept(t, naming("two", "three"))
	f.accept(t, naming("01934f3c-9a10-7d3b-b7f2-0c6b1f2de0ff"))
	f.accept(t, naming("two", "one"))
	again := strings.Replace(naming("four"), `{`, `{"alertId":"a",`, 1)
	for range 3 {
		f.accept(t, again)
	}
	want = map[string]float64{"by_request": 2, "no_match": 1, "unknown_destinations": 3, "partly_unknown": 1}
	if diff := cmp.Diff(want, f.unroutedCounts(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// lines is a log that many write to.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// text returns all lines.
func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// reset forgets all lines.
func (l *lines) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Reset()
}

// about returns the lines that have a text.
func (l *lines) about(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// The log says which alert names whom nobody is, and says it seldom in a flood.
func TestUnroutedLog(t *testing.T) {
	t.Parallel()
	log, now := new(lines), time.Now()
	f := newDispatcher(t, pgtest.New(t), func(c *Config) {
		c.Log, c.Now = slog.New(slog.NewJSONHandler(log, nil)), func() time.Time { return now }
	}).ready(t)
	const message = `"msg":"alert names unknown destinations"`
	a := f.accept(t, naming("nobody"))
	got := log.about(message)
	if len(got) != 1 || !strings.Contains(got[0], `"level":"WARN"`) || !strings.Contains(got[0], a.Alert.AlertID) || !strings.Contains(got[0], `["nobody"]`) {
		t.Fatalf("got %q", got)
	}
	for range 50 {
		f.accept(t, naming("nobody"))
	}
	if got := log.about(message); len(got) != 1 {
		t.Errorf("%d lines of one name", len(got))
	}
	for i := range 100 {
		f.accept(t, naming(fmt.Sprint("invented ", i)))
	}
	if got := log.about(message); len(got) != 20 {
		t.Errorf("%d lines of many names, want 20", len(got))
	}
	now = now.Add(logEvery)
	if err := f.Cluster.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.accept(t, naming("nobody"))
	if got := log.about(message); len(got) != 21 {
		t.Errorf("%d lines, want one more after a while", len(got))
	}
}

// toldUnknown returns the system alerts about unknown destinations, oldest first.
func (f *fixture) toldUnknown(t testing.TB) (list []told) {
	t.Helper()
	rows, err := f.db.Pool().Query(t.Context(), `
		SELECT a.type, a.severity, a.title || ' | ' || a.description || ' | ' || a.context, coalesce((
			SELECT string_agg(t.display_name, ',' ORDER BY t.display_name)
			FROM deliveries d
			JOIN destinations t ON t.id = d.destination_id
			WHERE d.alert_id = a.id), '')
		FROM alerts a
		WHERE a.detection_id = 'UNKNOWN_DESTINATION'
		ORDER BY a.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one told
		if err := rows.Scan(&one.Type, &one.Severity, &one.Title, &one.Where); err != nil {
			t.Fatal(err)
		}
		list = append(list, one)
	}
	return list
}

func tellNow(t testing.TB, fs ...*fixture) {
	t.Helper()
	var all sync.WaitGroup
	for _, f := range fs {
		for range 4 {
			all.Go(func() {
				if err := ignore(f.announcer.tellUnknown(context.Background()), postgres.ErrLocked); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
}

// later lets time pass, as the database knows it.
func (f *fixture) later(t testing.TB, d time.Duration) {
	t.Helper()
	exec(t, f, `UPDATE unknown_destinations SET told_at = told_at - $1::interval`, d)
}

// A name that nobody has is told once an hour, by whichever replica, to those that
// take system errors.
func TestTellUnknown(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f, g := newDispatcher(t, db).ready(t), newDispatcher(t, db).ready(t)
	f.webhook(t, newSink(t).URL, named("A all"))
	f.webhook(t, newSink(t).URL, named("B rules"), takes(alert.Rule))
	f.webhook(t, newSink(t).URL, named("C system errors"), takes(alert.SystemError))
	tellNow(t, f, g)
	if got := f.toldUnknown(t); len(got) != 0 {
		t.Fatalf("told %v of nothing", got)
	}

	f.accept(t, naming("Pager\u202e"))
	g.accept(t, naming("a all", " PAGER\u202e"))
	tellNow(t, f, g)
	got := f.toldUnknown(t)
	if len(got) != 1 || got[0].Type != "SYSTEM_ERROR" || got[0].Severity != "CRITICAL" || got[0].Where != "A all,C system errors" {
		t.Fatalf("told %v", got)
	}
	for _, want := range []string{`PAGER\u202e"`, `"moreNames":0`} {
		if !strings.Contains(got[0].Title, want) {
			t.Errorf("%s is not in %s", want, got[0].Title)
		}
	}

	f.accept(t, naming("Pager\u202e"))
	f.later(t, tellAgainAfter-time.Minute)
	tellNow(t, f, g)
	if got := f.toldUnknown(t); len(got) != 1 {
		t.Errorf("told %d times within an hour", len(got))
	}
	f.accept(t, naming("Other"))
	tellNow(t, f, g)
	if got := f.toldUnknown(t); len(got) != 2 || strings.Contains(got[1].Title, "Pager") || !strings.Contains(got[1].Title, "Other") {
		t.Errorf("of another name told %v", got)
	}
	f.later(t, 2*time.Minute)
	tellNow(t, f, g)
	if got := f.toldUnknown(t); len(got) != 3 || !strings.Contains(got[2].Title, "u202e") || strings.Contains(got[2].Title, "Other") {
		t.Errorf("after an hour told %v", got)
	}
}

// The hour is over when it has passed to the microsecond. (When a name is forgotten, an
// hour later, need not be so exact: it would be told again in any case.)
func TestTellUnknownAfterTheHour(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Microsecond)
	f := newDispatcher(t, pgtest.New(t), func(c *Config) { c.Now = func() time.Time { return now } }).ready(t)
	f.webhook(t, newSink(t).URL)
	f.accept(t, naming("Pager"))
	tellNow(t, f)
	now = now.Add(tellAgainAfter - time.Microsecond)
	if err := f.Cluster.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.accept(t, naming("Pager"))
	tellNow(t, f)
	if got := f.toldUnknown(t); len(got) != 1 {
		t.Errorf("told %d times within an hour", len(got))
	}
	now = now.Add(time.Microsecond)
	if err := f.Cluster.Heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	tellNow(t, f)
	if got := f.toldUnknown(t); len(got) != 2 {
		t.Errorf("told %d times after an hour, want 2", len(got))
	}
}

// A name that somebody has by now is not told, be it a former one.
func TestTellUnknownNoMore(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	f.accept(t, naming("One", "Two"))
	d := f.webhook(t, newSink(t).URL, named("One"))
	d.DisplayName = "Two"
	change(t, f, d)
	tellNow(t, f)
	if got := f.toldUnknown(t); len(got) != 0 {
		t.Errorf("told %v", got)
	}
}

// A producer that invents names makes few alerts of ours.
func TestTellUnknownInvented(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := newDispatcher(t, pgtest.New(t), func(c *Config) { c.Now = func() time.Time { return now } }).ready(t)
	f.webhook(t, newSink(t).URL)
	invent := func(n int) {
		alerts := make([]alert.Parsed, n)
		for i := range alerts {
			alerts[i] = parse(t, naming(alert.NewAlertID(), alert.NewAlertID()))
		}
		for _, r := range f.Accept(t.Context(), "tester", alerts) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	invent(200)
	tellNow(t, f)
	got := f.toldUnknown(t)
	if len(got) != 1 || !strings.Contains(got[0].Title, "400 destinations") || !strings.Contains(got[0].Title, "and 380 more") {
		t.Fatalf("told %.500v", got)
	}
	invent(1)
	tellNow(t, f)
	if got := f.toldUnknown(t); len(got) != 1 {
		t.Errorf("told %d times at once", len(got))
	}
	for range 2 * maxTellings {
		invent(1)
		f.later(t, tellInterval)
		tellNow(t, f)
	}
	if got := f.toldUnknown(t); len(got) != maxTellings {
		t.Errorf("told %d times in an hour, want %d", len(got), maxTellings)
	}
	// One telling stops to count when it is an hour ago to the microsecond.
	for more, age := range []time.Duration{tellAgainAfter - time.Microsecond, tellAgainAfter} {
		exec(t, f, `
			UPDATE unknown_destinations
			SET told_at = $1
			WHERE told_at = (SELECT min(told_at) FROM unknown_destinations)`, now.UTC().Truncate(time.Microsecond).Add(-age))
		tellNow(t, f)
		if got := f.toldUnknown(t); len(got) != maxTellings+more {
			t.Errorf("told %d times when the first was %s ago, want %d", len(got), age, maxTellings+more)
		}
	}
}

// A name is shown whole as long as it has no more than a hundred characters.
func TestShownName(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("ü", maxShownName)
	for given, want := range map[string]string{
		"one":      `"one"`,
		"\u202e\n": `"\u202e\n"`,
		name[2:]:   `"` + name[2:] + `"`,
		name:       `"` + name + `"`,
		name + "x": `"` + name + `…"`,
	} {
		if got := shown(given); got != want {
			t.Errorf("%q is shown as %s, want %s", given, got, want)
		}
	}
}
