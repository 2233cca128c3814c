package dispatch

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// cancelled accepts so many alerts for one destination, which it discards.
func (f *fixture) cancelled(t testing.TB, to destination.Destination, n int) []uuid.UUID {
	t.Helper()
	setState(t, f, to, destination.Paused)
	var ids []uuid.UUID
	for n > len(ids) {
		ids = append(ids, f.send(t, to, min(1000, n-len(ids)))...)
	}
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		_, err := f.Discard(t.Context(), tx, to.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	setState(t, f, to, destination.Active)
	return ids
}

// resendAll asks for deliveries one by one, several at a time.
func (f *fixture) resendAll(t testing.TB, ids []uuid.UUID) {
	t.Helper()
	var people sync.WaitGroup
	for part := range slices.Chunk(ids, max(1, (len(ids)+7)/8)) {
		people.Go(func() {
			for _, id := range part {
				if _, err := f.Resend(t.Context(), id, 0, false, me); err != nil {
					t.Error(err)
				}
			}
		})
	}
	people.Wait()
}

// What a person asks for, of a destination that is full, waits without a job, and
// goes before all else that waits for it, in the order in which it was asked for:
// also while the destination is paused or keeps failing.
func TestManualGoFirst(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*testing.T, *fixture, destination.Destination){
		"it is busy": func(*testing.T, *fixture, destination.Destination) {},
		"it is paused": func(t *testing.T, f *fixture, to destination.Destination) {
			setState(t, f, to, destination.Paused)
			f.soon(t, "the others are held as paused", func() bool { return f.heldFor(t, to, delivery.Paused) == 5 })
		},
		"it keeps failing": func(t *testing.T, f *fixture, to destination.Destination) {
			exec(t, f, `INSERT INTO destination_health (destination_id, failures, failing_since, held_since, next_probe_at)
				VALUES ($1, 10, now(), now(), now() + interval '1 hour')
				ON CONFLICT (destination_id) DO UPDATE
				SET failures = 10, failing_since = now(), held_since = now(), next_probe_at = now() + interval '1 hour'`, to.ID)
			f.soon(t, "the others are held as failing", func() bool { return f.heldFor(t, to, delivery.Failing) == 5 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, patiently, workers(16))
			s := newSink(t)
			to := f.known(t, s, limited(destination.Limits{MaxInFlight: 1, HoldFailing: true}))
			again := f.cancelled(t, to, 5)
			now := f.cancelled(t, to, 1)[0]
			s.hang()
			first := f.send(t, to, 1)
			until(t, "one is there", func() bool { _, present, _ := s.arrivals(); return present == 1 })
			others := f.send(t, to, 5)
			slices.Reverse(again) // the order in which they are asked for is not that of their ids
			for _, id := range again {
				v, err := f.Resend(t.Context(), id, 0, false, me)
				if err != nil || v.Status != delivery.Held || v.Reason != delivery.Busy {
					t.Fatalf("asked for, it is %s %q: %v", v.Status, v.Reason, err)
				}
				if twice, err := f.Resend(t.Context(), id, 0, false, me); err != nil || twice.Run != v.Run {
					t.Errorf("asked for twice: run %d, %v; want run %d", twice.Run, err, v.Run)
				}
			}
			until(t, "the others are held", func() bool { return f.heldFor(t, to, delivery.Busy) == 10 })
			if _, err := f.Resend(t.Context(), now, 0, false, me); err != nil {
				t.Fatal(err)
			}
			if v, err := f.SendNow(t.Context(), now, me); err != nil || v.NextTrigger != delivery.Resend {
				t.Errorf("sent now, what waits for room is %s by %s: %v", v.Status, v.NextTrigger, err)
			}
			meanwhile(t, f, to)
			if n := count(t, f, `SELECT count(*) FROM river_job`); n != 1 {
				t.Errorf("%d jobs, want that of the one that is there", n)
			}
			s.unblock()
			asked := append(again, now)
			f.soonAll(t, append(asked, first...), delivery.Delivered)
			came := s.ids()
			for n, id := range asked {
				if came[1+n] != id.String() {
					t.Errorf("%d came instead of %d of those that were asked for", slices.Index(came, id.String()), n)
				}
			}
			setState(t, f, to, destination.Active)
			exec(t, f, `UPDATE destination_health SET next_probe_at = now() WHERE held_since IS NOT NULL`)
			f.soonAll(t, others, delivery.Delivered)
			s.wantOnce(t, slices.Concat(asked, first, others))
			if n := count(t, f, `SELECT count(*) FROM attempts WHERE trigger = 'resend' AND requested_by = 'me'`); n != len(asked) {
				t.Errorf("%d attempts say who asked, want %d", n, len(asked))
			}
			f.wantNoRepairs(t)
		})
	}
}

// What a person asked for is held with the reason that is true, also when nothing
// can be sent at all, and goes out once it can.
func TestManualMisconfigured(t *testing.T) {
	t.Parallel()
	f := start(t)
	s := newSink(t)
	to := f.webhook(t, s.URL)
	ids := f.cancelled(t, to, 3)
	exec(t, f, `UPDATE destinations SET settings = 'damaged'`)
	f.resendAll(t, ids)
	if n := f.heldFor(t, to, delivery.Misconfigured); n != 3 {
		t.Errorf("%d held as misconfigured, want 3", n)
	}
	exec(t, f, `UPDATE deliveries SET reason = 'busy'`)
	f.soon(t, "they say why again", func() bool { return f.heldFor(t, to, delivery.Misconfigured) == 3 })
	change(t, f, to)
	f.soonAll(t, ids, delivery.Delivered)
	s.wantOnce(t, ids)
	f.wantNoRepairs(t)
}

// askedFor is how many deliveries TestManyManual asks for, and whether it measures:
// BELFRY_TEST_MANUAL=13000 go test -run TestManyManual -v ./internal/dispatch
func askedFor(t testing.TB) (n int, measured bool) {
	t.Helper()
	text, ok := os.LookupEnv("BELFRY_TEST_MANUAL")
	if !ok {
		return 400, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n, true
}

// Many re-sends, asked for one by one, wait for a destination that takes two
// seconds for each: the database hears nothing of them meanwhile, and others are
// as quick as without.
func TestManyManual(t *testing.T) {
	t.Parallel()
	n, measured := askedFor(t)
	f := start(t, patiently, workers(64))
	slow, quick := newSink(t), newSink(t)
	to, other := f.known(t, slow), f.known(t, quick)
	ids := f.cancelled(t, to, n)
	neighbour := func(what string) time.Duration {
		p95 := f.p95(t, other, quick)
		t.Logf("the neighbour's p95 %s: %s", what, p95.Round(time.Millisecond/10))
		return p95
	}
	idle := f.measure(t, "nothing waits")
	alone := neighbour("alone")
	slow.hang()
	f.resendAll(t, ids)
	until(t, "they wait, and some are there", func() bool {
		_, present, most := slow.arrivals()
		return present == most && present > 0 && f.heldFor(t, to, delivery.Busy) == n-present
	})
	if waiting := f.measure(t, "all wait"); waiting.writes > idle.writes+10 {
		t.Errorf("%.0f writes a second while they wait, and %.0f without them", waiting.writes, idle.writes)
	}
	if measured {
		stop := slow.every(t, 2*time.Second)
		moving := f.measure(t, "each takes 2 s")
		if more := moving.cpu - idle.cpu; more > 0.05 {
			t.Errorf("they cost %.1f %% of a core while they wait, want less than 5", 100*more)
		}
		with := neighbour("beside them")
		stop()
		f.cancelled(t, to, 0)
		if alone = max(alone, neighbour("alone again")); with > alone+alone/2 { // the machine may be slower by now
			t.Errorf("the neighbour's p95 went from %s to %s", alone, with)
		}
	}
	if n := f.metricValue(t, "belfry_repairs_total"); n != 0 {
		t.Errorf("%v repairs", n)
	}
	if n := count(t, f, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
	if measured {
		return // it would take an hour
	}
	slow.unblock()
	f.waitAll(t, ids, delivery.Delivered)
	slow.wantOnce(t, ids)
	f.wantNoRepairs(t)
}

// every answers those that hang, and those that come, after a time. It stops when
// told to.
func (s *sink) every(t testing.TB, wait time.Duration) (stop func()) {
	t.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(wait); ; {
			select {
			case <-done:
				s.unblock()
				return
			case <-tick.C:
				s.mu.Lock()
				blocked := s.blocked
				s.hanging, s.blocked = make(chan struct{}), nil
				s.blocked = append(s.blocked, s.hanging)
				s.mu.Unlock()
				for _, b := range blocked {
					close(b)
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}

// p95 is how long all but a twentieth of a hundred alerts take, one every 20 ms: the
// best of five times, because the machine has other things to do.
func (f *fixture) p95(t testing.TB, to destination.Destination, s *sink) time.Duration {
	t.Helper()
	best := time.Hour
	for range 5 {
		best = min(best, f.p95Once(t, to, s))
	}
	return best
}

func (f *fixture) p95Once(t testing.TB, to destination.Destination, s *sink) time.Duration {
	t.Helper()
	s.forget()
	began := map[string]time.Time{}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		<-tick.C
		at := time.Now()
		began[f.send(t, to, 1)[0].String()] = at
	}
	until(t, "all came", func() bool { came, _, _ := s.arrivals(); return came >= len(began) })
	var took []time.Duration
	times := s.times()
	for n, id := range s.ids() {
		took = append(took, times[n].Sub(began[id]))
	}
	slices.Sort(took)
	return took[len(took)*95/100]
}

// load is what a process and its database did for some seconds.
type load struct {
	writes float64 // of jobs and deliveries, a second
	cpu    float64 // of one core, of both
}

func (f *fixture) measure(t testing.TB, when string) load {
	t.Helper()
	const lasts = 3 * time.Second
	exec(t, f, `
		CREATE SEQUENCE IF NOT EXISTS writes MINVALUE 0 START 0;
		CREATE OR REPLACE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN PERFORM nextval('writes'); RETURN NULL; END $$;
		CREATE OR REPLACE TRIGGER count_writes AFTER INSERT OR UPDATE OR DELETE ON river_job FOR EACH ROW EXECUTE FUNCTION count_write();
		CREATE OR REPLACE TRIGGER count_writes AFTER INSERT OR UPDATE OR DELETE ON deliveries FOR EACH ROW EXECUTE FUNCTION count_write();`)
	writes := func() int { return count(t, f, `SELECT last_value + is_called::int FROM writes`) }
	begin, before, cpu := time.Now(), writes(), cpuTime(t)
	<-time.After(lasts)
	took := time.Since(begin).Seconds()
	l := load{float64(writes()-before) / took, (cpuTime(t) - cpu).Seconds() / took}
	t.Logf("%s: %.0f writes a second, %.1f %% of a core", when, l.writes, 100*l.cpu)
	exec(t, f, `DROP TRIGGER count_writes ON river_job; DROP TRIGGER count_writes ON deliveries`)
	return l
}

// cpuTime is that of this process and of all that it has started.
func cpuTime(t testing.TB) (total time.Duration) {
	t.Helper()
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		t.Fatal(err)
	}
	total = time.Duration(self.Utime.Nano() + self.Stime.Nano())
	parents, ticks := map[string]string{}, map[string]int64{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		parents[e.Name()], ticks[e.Name()] = fields[1], user+system
	}
	me := strconv.Itoa(os.Getpid())
	for pid, n := range ticks {
		for up := parents[pid]; up != ""; up = parents[up] {
			if up == me {
				total += time.Duration(n) * time.Second / 100
				break
			}
		}
	}
	return total
}

// A process that only answers requests asks the table how many are due: what would
// fill the queue is held, for those who work.
func TestManualOfAnAPI(t *testing.T) {
	t.Parallel()
	f := newDispatcher(t, pgtest.New(t)).ready(t) // its share of 16 workers is 8
	to := f.webhook(t, newSink(t).URL)
	ids := f.cancelled(t, to, 12)
	for n, id := range ids {
		v, err := f.Resend(t.Context(), id, 0, false, me)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]delivery.Status{true: delivery.Queued, false: delivery.Held}[n < 8]; v.Status != want {
			t.Errorf("the re-send %d is %s %q, want %s", n+1, v.Status, v.Reason, want)
		}
	}
	f.run(t)
	f.soonAll(t, ids, delivery.Delivered)
	f.wantNoRepairs(t)
}

// A release keeps no alert in memory of which any text is long: it is loaded when it
// has its turn, and sent whole.
func TestLongTextsAreLoaded(t *testing.T) {
	t.Parallel()
	f := start(t)
	var sizes sync.Map
	srv := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		sizes.Store(r.Header.Get("webhook-id"), r.ContentLength)
	})
	to := f.webhook(t, srv.URL)
	setState(t, f, to, destination.Paused)
	long := strings.Repeat("x", postgres.MaxKept)
	var ids []uuid.UUID
	for _, field := range []string{"description", "runbook"} {
		a := f.accept(t, `{"id":"x","severity":"LOW","type":"RULE","name":"xx","`+field+`":"`+long+`","alertContext":{"a":1}}`)
		ids = append(ids, a.Deliveries[0].ID)
	}
	small := f.send(t, to, 1)[0]
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		list, err := tx.LockReleasable(t.Context(), to.ID, releasable, delivery.First, delivery.Late, 10)
		for _, out := range list {
			if kept := out.Alert.ID != uuid.Nil; kept != (out.Delivery.ID == small) || out.Alert.Description+out.Alert.Runbook != "" {
				t.Errorf("kept %t: %d bytes", kept, len(out.Alert.Description)+len(out.Alert.Runbook))
			}
		}
		if len(list) != 3 {
			t.Errorf("%d are held, want 3", len(list))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f.turn(t, to, destination.Active)
	f.soonAll(t, append(ids, small), delivery.Delivered)
	for _, id := range ids {
		if size, _ := sizes.Load(id.String()); size.(int64) < postgres.MaxKept {
			t.Errorf("%d bytes came", size)
		}
	}
}
