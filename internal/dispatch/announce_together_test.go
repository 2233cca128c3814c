package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

// sets what attempts would have shown of a destination, as the clock has it.
func (f *fixture) sets(t testing.TB, to destination.Destination, healthy bool) {
	t.Helper()
	if healthy {
		exec(t, f, `
			UPDATE destination_health
			SET failures = 0, unacked = 0, failing_since = NULL, held_since = NULL, next_probe_at = NULL
			WHERE destination_id = $1`, to.ID)
		return
	}
	exec(t, f, `
		INSERT INTO destination_health (destination_id, failures, unacked, failing_since, held_since, next_probe_at)
		VALUES ($1, 10, 10, $2, $2, $2::timestamptz + interval '1 hour')
		ON CONFLICT (destination_id) DO UPDATE
		SET failures = 10, unacked = 10, failing_since = $2, held_since = $2, next_probe_at = $2::timestamptz + interval '1 hour'`,
		to.ID, f.Now())
}

// Twelve destinations that begin to keep failing within a minute are told in one alert
// that names them all, to those that do not; and so is what changes within the
// next. Replicas that look at once, and one that comes after a restart, tell it
// once.
func TestAnnounceTogether(t *testing.T) {
	t.Parallel()
	var c clock
	db := pgtest.New(t)
	f, g := newDispatcher(t, db, c.by, together), newDispatcher(t, db, c.by, together)
	up := newSink(t)
	var bad []destination.Destination
	for i := range 12 {
		bad = append(bad, f.webhook(t, up.URL, named(fmt.Sprintf("bad %02d", i+1))))
	}
	f.webhook(t, up.URL, named("good"))

	began := c.now()
	for i, to := range bad {
		f.sets(t, to, false)
		c.moveTo(began.Add(time.Duration(i*4) * time.Second)) // the last after 44 s
		[]*fixture{f, g}[i%2].look(t)
	}
	f.sets(t, bad[11], true) // which is none
	c.moveTo(began.Add(55 * time.Second))
	f.look(t)
	if got := f.tells(t); len(got) != 0 {
		t.Fatalf("before the minute is over: told %v", got)
	}
	c.moveTo(began.Add(62 * time.Second))
	var all sync.WaitGroup
	for _, one := range []*fixture{f, g, f, g} {
		all.Go(func() { one.look(t) })
	}
	all.Wait()
	f.look(t)
	want := []told{{"SYSTEM_ERROR", "CRITICAL", `11 destinations are failing: "bad 01", "bad 02", "bad 03" and 8 more`, "bad 12,good"}}
	if diff := cmp.Diff(want, f.tells(t)); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	names, ids := f.lastTold(t)
	for i, to := range bad {
		if in := i < 11; strings.Contains(names, to.DisplayName) != in || strings.Contains(ids, to.ID.String()) != in {
			t.Errorf("%s is named: want %v, in %s and %s", to.DisplayName, in, names, ids)
		}
	}

	f.sets(t, bad[0], true)
	f.look(t)
	c.moveTo(c.now().Add(30 * time.Second))
	f.sets(t, bad[1], true)
	f.sets(t, bad[11], false)
	f.look(t)
	c.moveTo(c.now().Add(31 * time.Second))
	next := newDispatcher(t, db, c.by, together) // after a restart
	next.look(t)
	want = append(want, told{"SYSTEM_ERROR", "CRITICAL", `Destination "bad 12" is failing; 2 acknowledge again`, "bad 01,bad 02,good"})
	if diff := cmp.Diff(want, f.tells(t)); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	for _, to := range bad[2:] {
		f.sets(t, to, true)
	}
	f.look(t)
	c.moveTo(c.now().Add(61 * time.Second))
	g.look(t)
	f.look(t)
	if got := f.tells(t); len(got) != 3 || got[2].Severity != "INFO" || !strings.Contains(got[2].Title, "10 destinations acknowledge again") {
		t.Errorf("told %v", got)
	}
}

// lastTold returns the description and the context of the latest alert of our own.
func (f *fixture) lastTold(t testing.TB) (description, context string) {
	t.Helper()
	const query = `
		SELECT description, context
		FROM alerts
		WHERE detection_id = 'ALERT_DELIVERY'
		ORDER BY id DESC
		LIMIT 1`
	if err := f.db.Pool().QueryRow(t.Context(), query).Scan(&description, &context); err != nil {
		t.Fatal(err)
	}
	return description, context
}

// Two that change together: whichever fails is never told, and whichever acks again
// is told of the other. Only one that changes alone need not be told of itself.
func TestAnnounceTwoTogether(t *testing.T) {
	t.Parallel()
	var c clock
	f := newDispatcher(t, pgtest.New(t), c.by, together)
	up := newSink(t)
	a, b := f.webhook(t, up.URL, named("A")), f.webhook(t, up.URL, named("B"))
	f.webhook(t, up.URL, named("other"))
	var want []told
	for _, step := range []struct {
		a, b bool // whether it acks
		want told
	}{
		{false, false, told{"SYSTEM_ERROR", "CRITICAL", `2 destinations are failing: "A", "B"`, "other"}},
		{true, true, told{"SYSTEM_ERROR", "INFO", `2 destinations acknowledge again: "A", "B"`, "A,B,other"}},
		{true, false, told{"SYSTEM_ERROR", "CRITICAL", `Destination "B" is failing`, "A,other"}},
		{false, true, told{"SYSTEM_ERROR", "CRITICAL", `Destination "A" is failing; 1 acknowledges again`, "B,other"}},
		{true, true, told{"SYSTEM_ERROR", "INFO", `Destination "A" acknowledges again`, "B,other"}},
	} {
		f.sets(t, a, step.a)
		f.sets(t, b, step.b)
		f.look(t)
		c.moveTo(c.now().Add(61 * time.Second))
		f.look(t)
		want = append(want, step.want)
		if diff := cmp.Diff(want, f.tells(t)); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	}
}

// However many change at once, the alert keeps within what one may be long, and says
// how many it does not name.
func TestAnnounceVeryMany(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("<", 99) + "😀"
	var down, up []healthChange
	for range 3000 {
		to := destination.Destination{ID: uuid.New(), DisplayName: name}
		down = append(down, healthChange{to, delivery.Health{Unacked: 10, FailingSince: time.Now(), HeldSince: time.Now()}})
		up = append(up, healthChange{to, delivery.Health{}})
	}
	for what, tt := range map[string]struct {
		list  []healthChange
		wants []string
	}{
		"down":  {down, []string{"And 2950 more.", `"moreDestinations":2800`}},
		"up":    {up, []string{" and 2950 more is being sent", `"moreDestinations":2800`}},
		"both":  {slices.Concat(down[:51], up[:51]), []string{"And 1 more.", " and 1 more is being sent"}},
		"a few": {slices.Concat(down[:50], up[:50]), nil},
	} {
		n := healthNotice(tt.list)
		says := n.description + string(n.context)
		if runes := utf8.RuneCountInString(n.description); runes > 65_536 || len(n.context) > 200<<10 || len(n.title) > 1000 {
			t.Errorf("%s: %d characters, %d bytes of context, a title of %d", what, runes, len(n.context), len(n.title))
		}
		for _, want := range tt.wants {
			if !strings.Contains(says, want) {
				t.Errorf("%s: it does not say %q", what, want)
			}
		}
		if tt.wants == nil && (strings.Contains(says, "more.") || strings.Contains(says, "more is") || strings.Contains(says, "moreDestinations")) {
			t.Errorf("%s: it says that there are more", what)
		}
	}
}
