package dispatch

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
)

// tally is a receiver that counts requests by their delivery.
type tally struct {
	mu  sync.Mutex
	ids map[string]int
}

func (c *tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids[r.Header.Get("webhook-id")]++
}

// lockFor is how long attempts are locked: BELFRY_TEST_LOCK=30s go test -run
// TestAttemptsLocked shows what a long CREATE INDEX does.
func lockFor(t testing.TB) time.Duration {
	t.Helper()
	text, ok := os.LookupEnv("BELFRY_TEST_LOCK")
	if !ok {
		return 3 * time.Second
	}
	wait, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

// While attempts cannot be written, as when an index is made on it, alerts too
// large to be kept in memory go on coming for ten quick destinations. Each delivery
// is received once, each request has its attempt, and what is kept in memory for
// them does not grow with the time it takes. Nothing runs beside it, because the
// heap is everybody's.
func TestAttemptsLocked(t *testing.T) {
	f := start(t, patiently, workers(16), func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	})
	counts := &tally{ids: map[string]int{}}
	srv := receiver(t, counts.ServeHTTP)
	var hooks []destination.Destination
	for range 10 {
		hooks = append(hooks, f.webhook(t, srv.URL))
	}
	for _, hook := range hooks {
		f.waitAll(t, f.send(t, hook, 1), delivery.Delivered)
	}
	before := heap()

	release := pgtest.Lock(t, f.db, "LOCK TABLE attempts IN SHARE MODE")
	var (
		producers sync.WaitGroup
		made      atomic.Int64
		most      uint64
	)
	locked, over := context.WithTimeout(t.Context(), lockFor(t))
	defer over()
	for p := range 8 {
		producers.Go(func() {
			for n := p; locked.Err() == nil; n++ {
				f.accept(t, fmt.Sprintf(`{"id":"x","severity":"LOW","type":"RULE","destinations":["%s"],"alertContext":{"log":"%s"}}`,
					hooks[n%len(hooks)].ID, strings.Repeat("x", 17_000)))
				made.Add(1)
			}
		})
	}
	for tick := time.NewTicker(200 * time.Millisecond); locked.Err() == nil; <-tick.C {
		most = max(most, heap())
	}
	producers.Wait()
	release()

	begin := time.Now()
	open := func() int { return count(t, f, `SELECT count(*) FROM deliveries WHERE status <> 'delivered'`) }
	for n, left := -1, open(); left > 0; left = open() {
		if left != n {
			n, begin = left, time.Now()
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("%d deliveries are not delivered, and nothing moves", left)
		}
		pause()
	}
	want := int(made.Load()) + len(hooks)
	counts.mu.Lock()
	defer counts.mu.Unlock()
	for id, n := range counts.ids {
		if n != 1 {
			t.Errorf("delivery %s came %d times", id, n)
		}
	}
	if len(counts.ids) != want {
		t.Errorf("%d deliveries came, want %d", len(counts.ids), want)
	}
	if n := count(t, f, `SELECT count(*) FROM attempts`); n != want {
		t.Errorf("%d attempts are stored, want %d", n, want)
	}
	if grown := most - min(most, before); grown > heldInMemory {
		t.Errorf("the heap grew by %d kB, want %d at most", grown>>10, heldInMemory>>10)
	}
	t.Logf("%d alerts in %s; the heap was %d kB before and %d kB at most", made.Load(), lockFor(t), before>>10, most>>10)
	f.wantNoRepairs(t)
}

// heldInMemory is for 16 workers: what docs/operating.md says of each, and what
// eight producers have in flight.
const heldInMemory = 16 << 20

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
