package dispatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// Whatever fails, there is never an alert without its deliveries and jobs, nor
// one of those without it.
func TestAcceptAllOrNothing(t *testing.T) {
	t.Parallel()
	const left = `SELECT (SELECT count(*) FROM alerts) + (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM river_job)`
	for _, tt := range []struct{ name, sabotage, mend string }{
		{
			"the queue fails",
			`ALTER TABLE river_job ADD CONSTRAINT no CHECK (kind <> 'deliver')`,
			`ALTER TABLE river_job DROP CONSTRAINT no`,
		},
		{
			"the deliveries fail",
			`ALTER TABLE deliveries ADD CONSTRAINT no CHECK (run <> 1)`,
			`ALTER TABLE deliveries DROP CONSTRAINT no`,
		},
		{
			"the commit fails",
			`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
			 CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON deliveries
			 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`,
			`DROP TRIGGER refuse ON deliveries`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newDispatcher(t, pgtest.New(t))
			f.webhook(t, "http://127.0.0.1:1/")
			exec(t, f, tt.sabotage)

			if r := f.Accept(t.Context(), "x", []alert.Parsed{parse(t, anAlert)})[0]; r.Err == nil {
				t.Fatal("Accept returned no error")
			}
			if n := count(t, f, left); n != 0 {
				t.Errorf("%d rows were left behind", n)
			}
			exec(t, f, tt.mend)
			f.accept(t, anAlert)
			if n := count(t, f, left); n != 3 {
				t.Errorf("%d rows after it was mended, want 3", n)
			}
		})
	}
}

// One alert that the database refuses does not take those along that share its
// transaction.
func TestOneBadAlertSparesTheOthers(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	f.webhook(t, "http://127.0.0.1:1/")
	exec(t, f, `ALTER TABLE alerts ADD CONSTRAINT no CHECK (title <> 'poison')`)
	var in []alert.Parsed
	for i := range 9 {
		title := "fine"
		if i == 4 {
			title = "poison"
		}
		in = append(in, parse(t, fmt.Sprintf(`{"id":"x","severity":"LOW","type":"RULE","alertId":"a-%d","title":%q}`, i, title)))
	}
	for i, r := range f.Accept(t.Context(), "x", in) {
		if (r.Err != nil) != (i == 4) {
			t.Errorf("alert %d: %v", i, r.Err)
		}
	}
	if n := count(t, f, `SELECT count(*) FROM alerts`); n != 8 {
		t.Errorf("%d alerts stored, want 8", n)
	}
}

// A producer's repeat is harmless, however it arrives.
func TestRepeat(t *testing.T) {
	t.Parallel()
	const (
		given     = `{"id":"x","severity":"LOW","type":"RULE","alertId":"a-1","title":"t","tags":["b","a"]}`
		reordered = `{"tags":["b","a"],"title":"t","alertId":"a-1","type":"RULE","severity":"LOW","id":"x"}`
		other     = `{"id":"x","severity":"LOW","type":"RULE","alertId":"a-1","title":"another"}`
	)
	f := newDispatcher(t, pgtest.New(t))
	f.webhook(t, "http://127.0.0.1:1/")
	first := f.accept(t, given)
	for name, body := range map[string]string{"the same": given, "the same in another order": reordered} {
		again := f.accept(t, body)
		if !again.Repeated || again.Alert.ID != first.Alert.ID || again.Deliveries[0].ID != first.Deliveries[0].ID {
			t.Errorf("%s: got %+v, want %+v", name, again, first)
		}
	}
	if r := f.Accept(t.Context(), "x", []alert.Parsed{parse(t, other)})[0]; !errors.Is(r.Err, ErrAlertConflict) {
		t.Errorf("another input: %v, want a conflict", r.Err)
	}
	// The filters changed meanwhile: the route does not.
	exec(t, f, `UPDATE destinations SET severities = '{CRITICAL}'`)
	if again := f.accept(t, given); len(again.Deliveries) != 1 {
		t.Errorf("%d deliveries after the filters changed, want 1", len(again.Deliveries))
	}
	if n := count(t, f, `SELECT count(*) FROM deliveries`); n != 1 {
		t.Errorf("%d deliveries stored, want 1", n)
	}

	in := []alert.Parsed{parse(t, strings.ReplaceAll(given, "a-1", "a-2")), parse(t, strings.ReplaceAll(given, "a-1", "a-2")), parse(t, strings.ReplaceAll(other, "a-1", "a-2"))}
	rs := f.Accept(t.Context(), "x", in)
	if rs[0].Err != nil || rs[1].Err != nil || rs[0].Repeated == rs[1].Repeated || !errors.Is(rs[2].Err, ErrAlertConflict) {
		t.Errorf("within one batch: %+v", rs)
	}
}

// Many producers that post one alert at the same moment, to two replicas, get
// one alert.
func TestRepeatRace(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, b := newDispatcher(t, db), newDispatcher(t, db)
	a.webhook(t, "http://127.0.0.1:1/")
	var wg sync.WaitGroup
	ids := make(chan string, 400)
	for i := range 400 {
		f := []*fixture{a, b}[i%2]
		wg.Go(func() {
			body := fmt.Sprintf(`{"id":"x","severity":"LOW","type":"RULE","alertId":"race-%d"}`, i%40)
			r := f.Accept(context.Background(), "x", []alert.Parsed{parse(t, body)})[0]
			if r.Err != nil {
				t.Errorf("accept: %v", r.Err)
				return
			}
			ids <- r.Alert.AlertID + " " + r.Alert.ID.String() + " " + r.Deliveries[0].ID.String()
		})
	}
	wg.Wait()
	close(ids)
	distinct := map[string]bool{}
	for id := range ids {
		distinct[id] = true
	}
	if len(distinct) != 40 {
		t.Errorf("%d distinct answers, want 40", len(distinct))
	}
	const query = `SELECT (SELECT count(*) FROM river_job) + (SELECT count(*) FROM deliveries WHERE status = 'held' AND reason = 'busy')`
	if n := count(t, a, query); n != 40 {
		t.Errorf("%d jobs and holds, want 40", n)
	}
}

// The route is decided once. Retries go where it says, with the settings of now.
func TestRouteIsDecidedOnce(t *testing.T) {
	t.Parallel()
	f := start(t, waits(100*time.Millisecond, 100*time.Millisecond))
	down := receiver(t, status(503, "down"))
	up := receiver(t, status(200, "up"))
	d := f.webhook(t, down.URL)
	id := f.accept(t, anAlert).Deliveries[0].ID
	f.wait(t, id, func(d delivery.Delivery) bool { return d.Attempts == 1 })
	// It no longer takes such alerts, another one does, and it has moved.
	d.Severities, d.Settings = []alert.Severity{alert.Critical}, &destination.Webhook{URL: up.URL}
	change(t, f, d)
	f.webhook(t, down.URL)

	got := f.wait(t, id, is(delivery.Delivered))
	if got.DestinationID != d.ID {
		t.Errorf("went to %s, want %s", got.DestinationID, d.ID)
	}
	if n := count(t, f, `SELECT count(*) FROM deliveries`); n != 1 {
		t.Errorf("%d deliveries, want 1", n)
	}
}

// What alerts are routed by is kept between transactions, in each replica, and yet
// is never older than the transaction that accepts them.
func TestRoutingIsOfNow(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	replicas := []*fixture{newDispatcher(t, db), newDispatcher(t, db)}
	routed := func(what string, want ...delivery.Status) {
		t.Helper()
		for i, f := range replicas {
			var got []delivery.Status
			for _, dl := range f.accept(t, anAlert).Deliveries {
				got = append(got, dl.Status)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: replica %d has deliveries that are %v, want %v", what, i, got, want)
			}
		}
	}
	f := replicas[0]
	routed("nothing there")
	first := f.webhook(t, "http://127.0.0.1:1/")
	routed("one", delivery.Queued)
	second := f.webhook(t, "http://127.0.0.1:1/")
	routed("another", delivery.Queued, delivery.Queued)
	setState(t, f, second, destination.Paused)
	routed("paused", delivery.Queued, delivery.Held)
	first.Severities = []alert.Severity{alert.Critical}
	change(t, f, first)
	routed("filtered", delivery.Held)
	exec(t, f, `DELETE FROM destinations WHERE id = $1`, second.ID)
	routed("gone")
}

// A flood is refused when more waits than fits, and what was not refused is ours.
func TestOverload(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	f.maxWaiting = 100_000
	release := pgtest.Lock(t, f.db, `LOCK TABLE alerts IN ACCESS EXCLUSIVE MODE`)
	var wg sync.WaitGroup
	big := strings.Repeat("x", 6_000)
	results := make(chan error, 50)
	for i := range cap(results) {
		wg.Go(func() {
			body := fmt.Sprintf(`{"id":"x","severity":"LOW","type":"RULE","alertId":"o-%d","description":%q}`, i, big)
			results <- f.Accept(context.Background(), "x", []alert.Parsed{parse(t, body)})[0].Err
		})
	}
	refused := 0
	for refused == 0 {
		if err := <-results; errors.Is(err, ErrOverloaded) {
			refused++
		} else {
			t.Fatalf("while the table is locked: %v", err)
		}
	}
	release()
	wg.Wait()
	close(results)
	accepted := 0
	for err := range results {
		switch {
		case err == nil:
			accepted++
		case !errors.Is(err, ErrOverloaded):
			t.Fatal(err)
		}
	}
	if n := count(t, f, `SELECT count(*) FROM alerts`); n != accepted || accepted == 0 {
		t.Errorf("%d alerts stored, %d were accepted", n, accepted)
	}
	if w := f.waiting.Load(); w != 0 {
		t.Errorf("%d bytes still count as waiting", w)
	}
}

// An alert that comes alone is stored between those of a batch that came before it.
func TestBatchLetsOthersIn(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	f.webhook(t, newSink(t).URL)
	f.accept(t, anAlert) // there are others
	batch := make([]alert.Parsed, 5*smallChunk)
	for i := range batch {
		batch[i] = parse(t, fmt.Sprintf(`{"id":"x","type":"RULE","severity":"LOW","alertId":"batch-%d"}`, i))
	}
	var accepting sync.WaitGroup
	f.Dispatcher.committing <- struct{}{}
	accepting.Go(func() { f.Accept(t.Context(), "x", batch) })
	all := int64(len(batch)) * 1024 // an alert counts as a little more
	until(t, "the batch waits", func() bool { return f.waiting.Load() >= all && f.batches.Waiting() < len(batch) })
	accepting.Go(func() { f.accept(t, `{"id":"x","type":"RULE","severity":"LOW","alertId":"alone"}`) })
	until(t, "the other too", func() bool { return f.waiting.Load() >= all+1024 && f.smallCalls.Waiting() == 0 })
	<-f.Dispatcher.committing
	accepting.Wait()
	before := count(t, f, `SELECT count(*) FROM alerts WHERE alert_id LIKE 'batch-%' AND ctid < (SELECT ctid FROM alerts WHERE alert_id = 'alone')`)
	if n := count(t, f, `SELECT count(*) FROM alerts`); before > 2*smallChunk || n != len(batch)+2 {
		t.Errorf("%d of a batch of %d were stored before it; %d are stored in all", before, len(batch), n)
	}
}

// Who comes too late is not told that there are too many.
func TestAcceptWhileStopping(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t))
	if err := f.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := f.Accept(t.Context(), "x", []alert.Parsed{parse(t, anAlert)})[0]
	if !errors.Is(r.Err, ErrStopping) || f.waiting.Load() != 0 {
		t.Errorf("got %v with %d bytes waiting, want ErrStopping and none", r.Err, f.waiting.Load())
	}
}

// What is sent at once is what would be loaded: the first attempt and those after
// it send the same bytes to the same place.
func TestKnownIsAsLoaded(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t)
	f.webhook(t, newSink(t).URL, withHeader("X-Key", "secret"))
	for i, body := range []string{
		anAlert,
		`{"id":"x","type":"RULE","severity":"LOW","createdAt":"2024-02-29T23:59:59.123456789+05:30","alertContext":{"n":12345678901234567890,"e":[],"o":{}}}`,
		`{"id":"é\ud83d\ude00","type":"POLICY","severity":"CRITICAL","title":"<&>","tags":[],"logTypes":["A.B"],"description":"a\nb\u2028c","alertContext":null}`,
	} {
		item := &acceptItem{in: parse(t, body), by: "me", done: make(chan Result, 1)}
		if err := f.readRouting(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := f.Now().UTC().Truncate(time.Microsecond)
		item.prepare(now, f.Link)
		f.route([]*acceptItem{item}, 1)
		var known *postgres.Outgoing
		err := f.DB.InTx(t.Context(), func(tx *postgres.Tx) error {
			in, rooms, err := f.insert(t.Context(), tx, []*acceptItem{item})
			if err != nil {
				return err
			}
			fresh := f.newDeliveries(item, in.Queues, rooms, now)
			known = fresh[0]
			return f.transitions.create(t.Context(), tx, byAccept, fresh)
		})
		if err != nil {
			t.Fatalf("alert %d: %v", i, err)
		}
		loaded, err := f.load(known.Delivery.ID)
		if err != nil {
			t.Fatal(err)
		}
		was, _ := known.Alert.Payload()
		is, _ := loaded.Alert.Payload()
		if !bytes.Equal(was, is) {
			t.Errorf("alert %d: sent at first\n%s\nand later\n%s", i, was, is)
		}
		if known.Delivery.Claim() != loaded.Delivery.Claim() || !reflect.DeepEqual(known.Destination.Settings, loaded.Destination.Settings) ||
			!slices.Equal(known.Destination.Signing.Keys(now), loaded.Destination.Signing.Keys(now)) ||
			known.Destination.Limits != loaded.Destination.Limits || known.Destination.Type != loaded.Destination.Type {
			t.Errorf("alert %d: %+v is loaded as %+v", i, known, loaded)
		}
	}
}
