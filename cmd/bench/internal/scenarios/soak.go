package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/load"
	"belfry/cmd/bench/internal/process"
	"belfry/cmd/bench/internal/report"
	"belfry/cmd/bench/internal/stage"
)

// How much more the last fifth may show than the first: nothing is meant to
// grow, but no two minutes of a shared machine are alike. And how late a delivery
// may be at all: what was as late from the beginning does not grow.
const (
	memoryGrowth  = 1.2
	deadGrowth    = 1.5
	latencyGrowth = 1.5
	soakP99       = 50 // ms
)

// sample is what is looked at every few seconds of a soak.
type sample struct {
	at             time.Time
	resident, dead float64
}

// soak posts for long at half of what single found to be the most, and compares
// the last fifth with the first. A fifth more comes before, so that what fills up
// once (caches, jobs kept for three minutes) is full.
func soak(ctx context.Context, b *stage.Bench) (r report.Result, err error) {
	if b.Maximum == 0 {
		return r, errors.New("single could not be played, so half of it is not known")
	}
	s, err := b.Build(ctx, "soak", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	to, err := s.Healthy(ctx)
	if err != nil {
		return r, err
	}
	length, rate := b.During(b.Soak), float64(int(b.Maximum/2))
	fifth := length / 5
	if _, err := s.Stream(ctx, "fill", to, rate, fifth); err != nil {
		return r, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	samples := make(chan []sample, 1)
	go func() { samples <- watch(watching, s, max(fifth/40, 100*time.Millisecond)) }()
	st, err := s.Stream(ctx, "soak", to, rate, length)
	stop()
	seen := <-samples
	if err != nil {
		return r, err
	}
	stage.Show(&r, st)
	r.PerSecond = rate
	return r, judgeGrowth(ctx, s, &r, st.Loaded, to, seen, fifth)
}

// watch takes samples until ctx ends. One that cannot be taken is left out.
func watch(ctx context.Context, s *stage.Stage, every time.Duration) []sample {
	const query = `
		SELECT coalesce(sum(n_dead_tup), 0)::float8
		FROM pg_stat_user_tables`
	var all []sample
	for stage.Pause(ctx, every) == nil {
		one := sample{at: time.Now()}
		m, err := process.ReadMemory(s.Belfry.PID())
		if err != nil || s.Pool.QueryRow(ctx, query).Scan(&one.dead) != nil {
			continue
		}
		one.resident = m.Resident
		all = append(all, one)
	}
	return all
}

// judgeGrowth compares the last fifth with the first.
func judgeGrowth(ctx context.Context, s *stage.Stage, r *report.Result, l load.Done, to calls.Destination, seen []sample, fifth time.Duration) error {
	begun := time.Unix(0, l.Begun)
	parts := [2]growth{}
	for _, one := range seen {
		if part := partOf(one.at.Sub(begun), fifth); part >= 0 {
			parts[part].samples++
			parts[part].resident += one.resident
			parts[part].dead += one.dead
		}
	}
	late := [2]*latencies{newLatencies(), newLatencies()}
	_, err := s.AuditEach(ctx, l, []calls.Destination{to}, func(i int, d time.Duration) {
		if part := partOf(time.Duration(l.SentAt(i)-l.Begun), fifth); part >= 0 {
			late[part].record(d)
		}
	})
	if err != nil {
		return err
	}
	first, last := parts[0].mean(), parts[1].mean()
	if first.samples == 0 || last.samples == 0 {
		return fmt.Errorf("the soak was too short to be watched: %d samples in its first fifth, %d in its last", first.samples, last.samples)
	}
	early, end := late[0].quantiles(), late[1].quantiles()
	r.Fact("residentFirstMiB", first.resident)
	r.Fact("residentLastMiB", last.resident)
	r.Fact("deadRowsFirst", first.dead)
	r.Fact("deadRowsLast", last.dead)
	r.Fact("p99FirstMs", early.P99)
	r.Fact("p99LastMs", end.P99)
	r.Fact("latestMs", r.Latency.Max)
	r.Checks = append(r.Checks, soakChecks(r.Latency.P99, early.P99, end.P99, first, last)...)
	return nil
}

// soakChecks judge the tail in itself, of all and of the last fifth, and what must
// not grow.
func soakChecks(all, early, end float64, first, last growth) []report.Check {
	return []report.Check{
		report.AtMost("p99 accept to receipt", all, soakP99, "ms"),
		report.AtMost("p99 in the last fifth", end, soakP99, "ms"),
		report.AtMost("p99, last fifth to first", end/max(early, 0.001), latencyGrowth, "×"),
		report.AtMost("memory, last fifth to first", last.resident/max(first.resident, 0.001), memoryGrowth, "×"),
		report.AtMost("dead rows, last fifth to first", last.dead/max(first.dead, 1), deadGrowth, "×"),
	}
}
