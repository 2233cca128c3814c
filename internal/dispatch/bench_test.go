package dispatch

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/delivery"
	"belfry/internal/outbound"
	"belfry/internal/pgtest"
)

// CPU is what is measured: rates on a shared machine say little. belfry-µs is
// this process, postgres-µs its children, all of them.

// cpu returns the CPU time used so far by this process and by Postgres.
func cpu(b *testing.B, f *fixture) (ours, postgres time.Duration) {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	ours = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	var postmaster int
	rows, err := f.db.Pool().Query(context.Background(), `SELECT pid FROM pg_stat_activity`)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			b.Fatal(err)
		}
		own, parent := procTimes(pid)
		postgres += own
		postmaster = parent
	}
	own, _ := procTimes(postmaster)
	return ours, postgres + own
}

// procTimes reads a process's CPU time, its ended children's included, and its
// parent.
func procTimes(pid int) (time.Duration, int) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	parent, _ := strconv.Atoi(fields[1])
	ticks := 0
	for _, i := range []int{11, 12, 13, 14} {
		n, _ := strconv.Atoi(fields[i])
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, parent
}

// perItem reports CPU-µs per item of what work does.
func perItem(b *testing.B, f *fixture, items int, work func()) {
	b.Helper()
	ours, pg := cpu(b, f)
	b.ResetTimer()
	work()
	b.StopTimer()
	oursNow, pgNow := cpu(b, f)
	n := float64(items)
	b.ReportMetric(float64((oursNow-ours).Microseconds())/n, "belfry-µs/item")
	b.ReportMetric(float64((pgNow-pg).Microseconds())/n, "postgres-µs/item")
	b.ReportMetric(float64((oursNow-ours+pgNow-pg).Microseconds())/n, "cpu-µs/item")
	b.ReportMetric(n/b.Elapsed().Seconds(), "items/s")
}

// BenchmarkAccept stores alerts with one delivery and job each, one at a time and
// fifty at once. Fifty must cost less than a quarter of one each.
func BenchmarkAccept(b *testing.B) {
	for _, at := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d-at-once", at), func(b *testing.B) {
			f := newDispatcher(b, pgtest.New(b))
			f.webhook(b, "http://127.0.0.1:1/")
			in := make([]alert.Parsed, at)
			for i := range in {
				in[i] = parse(b, anAlert)
			}
			perItem(b, f, b.N*at, func() {
				for range b.N {
					for _, r := range f.Accept(context.Background(), "bench", in) {
						if r.Err != nil {
							b.Fatal(r.Err)
						}
					}
				}
			})
		})
	}
}

// BenchmarkWork is the path of one alert from the queue to the stored answer: the
// jobs are there before the clock starts.
func BenchmarkWork(b *testing.B) {
	f := newDispatcher(b, pgtest.New(b), func(c *Config) { c.Workers = 64 })
	f.webhook(b, receiver(b, func(http.ResponseWriter, *http.Request) {}).URL)
	in := make([]alert.Parsed, b.N)
	for i := range in {
		in[i] = parse(b, anAlert)
	}
	for from := 0; from < len(in); from += 1000 {
		for _, r := range f.Accept(context.Background(), "bench", in[from:min(from+1000, len(in))]) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
	perItem(b, f, b.N, func() {
		f.run(b)
		for count(b, f, `SELECT count(*) FROM (SELECT FROM deliveries WHERE status IN ('queued', 'retrying') LIMIT 1) x`) > 0 {
			pause()
		}
	})
}

// BenchmarkRecord stores attempts and what they lead to, 64 workers at a time.
func BenchmarkRecord(b *testing.B) {
	f := newDispatcher(b, pgtest.New(b), func(c *Config) { c.Workers = 64 })
	hook := f.webhook(b, "http://127.0.0.1:1/")
	var ds []delivery.Delivery
	for len(ds) < b.N {
		in := make([]alert.Parsed, min(1000, b.N-len(ds)))
		for i := range in {
			in[i] = parse(b, anAlert)
		}
		for _, r := range f.Accept(context.Background(), "bench", in) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
			ds = append(ds, r.Deliveries[0].Delivery)
		}
	}
	perItem(b, f, b.N, func() {
		work := make(chan delivery.Delivery)
		done := make(chan error)
		for range 64 {
			go func() {
				var failed error
				for d := range work {
					a := delivery.Attempt{ID: uuid.Must(uuid.NewV7()), DeliveryID: d.ID, DestinationID: hook.ID, Trigger: delivery.Automatic}
					a.Result = outbound.Result{Class: outbound.Acked, StatusCode: 200, StartedAt: time.Now(), Body: []byte("success")}
					if _, err := f.recorder.record(recordItem{attempt: a, claim: d.Claim(), wait: time.Second}); err != nil {
						failed = err
					}
				}
				done <- failed
			}()
		}
		for _, d := range ds {
			work <- d
		}
		close(work)
		for range 64 {
			if err := <-done; err != nil {
				b.Error(err)
			}
		}
	})
}
