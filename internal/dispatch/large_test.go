package dispatch

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
)

// What waits for its turn keeps a small alert in memory and no large one, whichever of
// its fields makes it large.
func TestLargeAlertsAreNotKept(t *testing.T) {
	t.Parallel()
	f := start(t)
	hook := f.webhook(t, "http://127.0.0.1:9")
	setState(t, f, hook, destination.Paused)
	large := strings.Repeat("0123456789abcdef", postgres.MaxKept/16)
	part := large[:len(large)*2/3]
	for i, fields := range []string{
		`"description":"` + large + `"`, `"runbook":"` + large + `"`, `"alertContext":{"a":"` + large + `"}`,
		`"description":"` + part + `","runbook":"` + part + `"`,
	} {
		f.accept(t, fmt.Sprintf(`{"id":"x","type":"RULE","severity":"LOW","alertId":"large-%d",%s}`, i, fields))
	}
	f.accept(t, fmt.Sprintf(`{"id":"x","type":"RULE","severity":"LOW","alertId":"small","description":%q}`, large[:1000]))
	err := f.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		outs, err := tx.LockReleasable(t.Context(), hook.ID, []delivery.Reason{delivery.Paused}, 1, 4, 100)
		if err != nil {
			return err
		}
		kept := 0
		for _, out := range outs {
			if out.Alert.Size() > postgres.MaxKept {
				t.Errorf("%s is kept, with %d bytes", out.Alert.AlertID, out.Alert.Size())
			}
			if out.Alert.ID != uuid.Nil {
				kept++
			}
		}
		if len(outs) != 5 || kept != 1 {
			t.Errorf("%d of %d deliveries have their alert, want the one that is small of 5", kept, len(outs))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Large alerts wait for their turn without a goroutine of their own, like small ones.
// Nothing runs beside this test, because goroutines are counted for the whole process.
func TestLargeAlertsWaitWithoutGoroutines(t *testing.T) {
	f := newDispatcher(t, pgtest.New(t), patiently, workers(64))
	noon := time.Now()
	f.limit(limiter.New(64, f.Cluster.Replicas, func() time.Time { return noon })) // nothing waits for too long
	f.run(t)
	s := newSink(t)
	to := f.known(t, s, limited(destination.Limits{MaxInFlight: 1}))
	for range 50 { // it is quick
		f.learn(t, to, time.Millisecond)
	}
	s.hang()
	ids := f.send(t, to, 1)
	until(t, "one is under way", func() bool { _, present, _ := s.arrivals(); return present == 1 })
	before := runtime.NumGoroutine()

	in := make([]alert.Parsed, 60)
	for i := range in {
		in[i] = parse(t, fmt.Sprintf(`{"id":"x","severity":"LOW","type":"RULE","destinations":[%q],"description":%q}`,
			to.ID, strings.Repeat("x", postgres.MaxKept+1)))
	}
	for _, r := range f.Accept(t.Context(), "tester", in) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		ids = append(ids, r.Deliveries[0].ID)
	}
	waiting := count(t, f, `SELECT count(*) FROM river_job WHERE state = 'running'`) - 1
	if more := runtime.NumGoroutine() - before; waiting < 40 || more > 20 {
		t.Errorf("%d large alerts wait, with %d goroutines more than before", waiting, more)
	}
	s.unblock()
	f.waitAll(t, ids, delivery.Delivered)
}
