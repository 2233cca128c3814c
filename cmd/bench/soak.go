package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// How much more the last fifth may show than the first: nothing is meant to
// grow, but no two minutes of a shared machine are alike.
const (
	memoryGrowth  = 1.2
	deadGrowth    = 1.5
	latencyGrowth = 1.5
)

// sample is what is looked at every few seconds of a soak.
type sample struct {
	at             time.Time
	resident, dead float64
}

// soak posts for long at half of what single found to be the most, and compares
// the last fifth with the first. A fifth more comes before, so that what fills up
// once (caches, jobs kept for three minutes) is full.
func soak(ctx context.Context, b *bench) (r result, err error) {
	if b.maximum == 0 {
		return r, errors.New("single could not be played, so half of it is not known")
	}
	s, err := b.build(ctx, "soak", 2)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	to, err := s.healthy(ctx)
	if err != nil {
		return r, err
	}
	length, rate := b.during(b.soak), float64(int(b.maximum/2))
	fifth := length / 5
	if _, err := s.stream(ctx, "fill", to, rate, fifth); err != nil {
		return r, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	samples := make(chan []sample, 1)
	go func() { samples <- s.watch(watching, max(fifth/40, 100*time.Millisecond)) }()
	before, err := s.read()
	if err != nil {
		return r, err
	}
	st, err := s.stream(ctx, "soak", to, rate, length)
	stop()
	seen := <-samples
	if err != nil {
		return r, err
	}
	after, err := s.read()
	if err != nil {
		return r, err
	}
	r.show(st)
	r.PerSecond = rate
	r.CPU, r.Memory = each(before, after, st.loadTime, r.Deliveries), &after.memory
	return r, s.judgeGrowth(ctx, &r, st.loaded, to, seen, fifth)
}

// watch takes samples until ctx ends. One that cannot be taken is left out.
func (s *stage) watch(ctx context.Context, every time.Duration) []sample {
	const query = `
		SELECT coalesce(sum(n_dead_tup), 0)::float8
		FROM pg_stat_user_tables`
	var all []sample
	for pause(ctx, every) == nil {
		one := sample{at: time.Now()}
		m, err := readMemory(s.belfry.pid())
		if err != nil || s.pool.QueryRow(ctx, query).Scan(&one.dead) != nil {
			continue
		}
		one.resident = m.Resident
		all = append(all, one)
	}
	return all
}

// judgeGrowth compares the last fifth with the first.
func (s *stage) judgeGrowth(ctx context.Context, r *result, l loaded, to destination, seen []sample, fifth time.Duration) error {
	begun := time.Unix(0, l.Begun)
	parts := [2]growth{}
	for _, one := range seen {
		if part := partOf(one.at.Sub(begun), fifth); part >= 0 {
			parts[part].samples++
			parts[part].resident += one.resident
			parts[part].dead += one.dead
		}
	}
	histograms := [2]*hdrhistogram.Histogram{newHistogram(), newHistogram()}
	_, err := s.auditEach(ctx, l, to, func(i int, late time.Duration) {
		if part := partOf(time.Duration(l.sentAt(i)-l.Begun), fifth); part >= 0 {
			record(histograms[part], late)
		}
	})
	if err != nil {
		return err
	}
	first, last := parts[0].mean(), parts[1].mean()
	if first.samples == 0 || last.samples == 0 {
		return fmt.Errorf("the soak was too short to be watched: %d samples in its first fifth, %d in its last", first.samples, last.samples)
	}
	early, late := quantilesOf(histograms[0]), quantilesOf(histograms[1])
	r.fact("residentFirstMiB", first.resident)
	r.fact("residentLastMiB", last.resident)
	r.fact("deadRowsFirst", first.dead)
	r.fact("deadRowsLast", last.dead)
	r.fact("p99FirstMs", early.P99)
	r.fact("p99LastMs", late.P99)
	r.Checks = []check{
		atMost("memory, last fifth to first", last.resident/first.resident, memoryGrowth, "×"),
		atMost("dead rows, last fifth to first", last.dead/max(first.dead, 1), deadGrowth, "×"),
		atMost("p99, last fifth to first", late.P99/max(early.P99, 0.001), latencyGrowth, "×"),
	}
	return nil
}
