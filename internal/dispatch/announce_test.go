package dispatch

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

// told is an alert of our own, and where it went.
type told struct {
	Type, Severity, Title, Where string
}

// tells returns what has been announced, oldest first.
func (f *fixture) tells(t testing.TB) (list []told) {
	t.Helper()
	rows, err := f.db.Pool().Query(t.Context(), `
		SELECT a.type, a.severity, a.title, coalesce((
			SELECT string_agg(t.display_name, ',' ORDER BY t.display_name)
			FROM deliveries d
			JOIN destinations t ON t.id = d.destination_id
			WHERE d.alert_id = a.id), '')
		FROM alerts a
		WHERE a.detection_id = 'ALERT_DELIVERY'
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

func named(name string) func(*destination.Destination) {
	return func(d *destination.Destination) { d.DisplayName = name }
}

func takes(types ...alert.Type) func(*destination.Destination) {
	return func(d *destination.Destination) { d.AlertTypes = types }
}

func (f *fixture) wantTold(t testing.TB, want ...told) {
	t.Helper()
	f.soon(t, "announced", func() bool { f.tellNow(t); return len(f.tells(t)) >= len(want) })
	for range 3 { // and nothing more follows
		f.look(t)
		f.tellNow(t)
	}
	got := f.tells(t)
	if len(got) != len(want) {
		t.Fatalf("told %v, want %v", got, want)
	}
	for i := range want {
		if got[i].Type != want[i].Type || got[i].Severity != want[i].Severity || got[i].Where != want[i].Where || !strings.Contains(got[i].Title, want[i].Title) {
			t.Errorf("told %v, want %v", got[i], want[i])
		}
	}
}

// tellNow lets the minute be over in which changes are told together.
func (f *fixture) tellNow(t testing.TB) {
	t.Helper()
	exec(t, f, `UPDATE announcing SET due_at = now() - interval '1 second' WHERE due_at > now()`)
	f.look(t)
}

// recover lets a destination ack again.
func (f *fixture) recover(t testing.TB, to destination.Destination, s *sink) {
	t.Helper()
	s.answer(http.StatusOK)
	more := f.send(t, to, 1)
	f.dueProbe(t, to)
	f.soonAll(t, more, delivery.Delivered)
}

// That a destination keeps failing, and that it acks again, is told once
// each, to those that take such alerts, and never to itself. So it is however
// many replicas look.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f, g := newDispatcher(t, db, hourly, together), newDispatcher(t, db, hourly, together)
	f.run(t)
	g.run(t)
	down, up := newSink(t).answer(http.StatusServiceUnavailable), newSink(t)
	hook := f.webhook(t, down.URL, named("A bad one"))
	f.webhook(t, up.URL, named("B all"))
	f.webhook(t, up.URL, named("C system errors"), takes(alert.SystemError))
	f.webhook(t, up.URL, named("D rules"), takes(alert.Rule))
	f.webhook(t, up.URL, named("E critical"), func(d *destination.Destination) { d.Severities = []alert.Severity{alert.Critical} })
	f.webhook(t, up.URL, named("F paused"), func(d *destination.Destination) { d.State = destination.Paused })

	f.makeFailing(t, hook)
	failing := told{"SYSTEM_ERROR", "CRITICAL", `"A bad one" is failing`, "B all,C system errors,E critical,F paused"}
	f.wantTold(t, failing)
	f.recover(t, hook, down)
	again := told{"SYSTEM_ERROR", "INFO", `"A bad one" acknowledges again`, "B all,C system errors,F paused"}
	f.wantTold(t, failing, again)
	until(t, "those told have it", func() bool {
		return count(t, f, `
			SELECT count(*)
			FROM deliveries d
			JOIN alerts a ON a.id = d.alert_id
			WHERE a.detection_id = 'ALERT_DELIVERY' AND d.status = 'delivered'`) == 5
	})
	f.wantNoRepairs(t)
}

// Many that look at the same moment tell it once.
func TestAnnounceOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := newDispatcher(t, db).ready(t)
	hook := f.webhook(t, newSink(t).URL, named("bad"))
	f.webhook(t, newSink(t).URL, named("other"))
	exec(t, f, `INSERT INTO destination_health (destination_id, failures, failing_since, held_since, next_probe_at)
		VALUES ($1, 10, now(), now(), now() + interval '1 hour')`, hook.ID)
	f.look(t)
	exec(t, f, `UPDATE announcing SET due_at = now() - interval '1 second'`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				if err := f.announcer.announce(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	f.wantTold(t, told{"SYSTEM_ERROR", "CRITICAL", "bad", "other"})
}

// Two that are down are not told of each other: it could not reach either. Each
// change is told once all the same, to nobody if there is nobody.
func TestAnnounceTwoDown(t *testing.T) {
	t.Parallel()
	f := start(t, hourly)
	downA, downB := newSink(t).answer(http.StatusServiceUnavailable), newSink(t).answer(http.StatusServiceUnavailable)
	a, b := f.webhook(t, downA.URL, named("A")), f.webhook(t, downB.URL, named("B"))
	f.makeFailing(t, a)
	f.wantTold(t, told{"SYSTEM_ERROR", "CRITICAL", `"A"`, "B"})
	f.makeFailing(t, b)
	both := []told{{"SYSTEM_ERROR", "CRITICAL", `"A"`, "B"}, {"SYSTEM_ERROR", "CRITICAL", `"B"`, ""}}
	f.wantTold(t, both...)
	f.recover(t, a, downA)
	f.wantTold(t, append(both, told{"SYSTEM_ERROR", "INFO", `"A"`, ""})...)
	f.recover(t, b, downB)
	f.wantTold(t, append(both, told{"SYSTEM_ERROR", "INFO", `"A"`, ""}, told{"SYSTEM_ERROR", "INFO", `"B"`, "A"})...)
	if n := count(t, f, `SELECT count(*) FROM deliveries WHERE status = 'failed'`); n != 0 {
		t.Errorf("%d failed", n)
	}
}

// What was undone is not told: it kept failing and acked again within the
// minute, seen or not. Nor is that it is no longer to be held, or that a person deleted it.
func TestNotAnnounced(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	hook := f.webhook(t, newSink(t).URL, named("bad"))
	f.webhook(t, newSink(t).URL, named("other"))
	fail := func() {
		exec(t, f, `
			INSERT INTO destination_health (destination_id, failures, failing_since, held_since, next_probe_at)
			VALUES ($1, 10, now(), now(), now() + interval '1 hour')
			ON CONFLICT (destination_id) DO UPDATE
			SET failures = 10, failing_since = now(), held_since = now(), next_probe_at = now() + interval '1 hour'`, hook.ID)
	}
	f.look(t)
	for _, seen := range []bool{false, true} {
		fail()
		if seen {
			f.look(t)
		}
		exec(t, f, `UPDATE destination_health SET failures = 0, failing_since = NULL, held_since = NULL, next_probe_at = NULL`)
		f.look(t)
		f.tellNow(t)
		if got := f.tells(t); len(got) != 0 {
			t.Errorf("a flap, seen %v: told %v", seen, got)
		}
	}
	if n := count(t, f, `SELECT count(*) FROM announcing WHERE due_at IS NULL`); n != 1 {
		t.Error("the minute goes on, and would cut the next one short")
	}

	fail()
	f.look(t)
	f.tellNow(t)
	hook.Limits.HoldFailing = false
	change(t, f, hook)
	f.look(t)
	f.tellNow(t)
	if got := f.tells(t); len(got) != 1 {
		t.Errorf("switched off: told %v, want one", got)
	}

	hook.Limits.HoldFailing = true
	change(t, f, hook)
	fail()
	exec(t, f, `UPDATE destinations SET deleted_at = now() WHERE id = $1`, hook.ID)
	f.look(t)
	f.tellNow(t)
	if got := f.tells(t); len(got) != 1 {
		t.Errorf("deleted: told %v, want one", got)
	}
}
