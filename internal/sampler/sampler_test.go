package sampler_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"belfry/internal/sampler"
)

// One line of each kind is written in a time, and it says how many were not.
func TestAllow(t *testing.T) {
	t.Parallel()
	s, now := sampler.Sampler{Every: time.Second}, time.Now()
	for i, step := range []struct {
		after   time.Duration
		kind    string
		skipped int
		ok      bool
	}{
		{0, "a", 0, true},
		{0, "a", 0, false},
		{0, "b", 0, true},
		{999 * time.Millisecond, "a", 0, false},
		{time.Millisecond, "a", 2, true},
		{0, "b", 0, true},
		{time.Hour, "a", 0, true},
	} {
		now = now.Add(step.after)
		if skipped, ok := s.Allow(step.kind, now); skipped != step.skipped || ok != step.ok {
			t.Errorf("step %d: %d, %v; want %d, %v", i, skipped, ok, step.skipped, step.ok)
		}
	}
}

// However many kinds there are, few are remembered; and those that were logged just now
// are forgotten last.
func TestManyKinds(t *testing.T) {
	t.Parallel()
	s, now := sampler.Sampler{Every: time.Second}, time.Now()
	for i := range 999 {
		s.Allow(fmt.Sprint("old ", i), now)
	}
	now = now.Add(time.Second)
	s.Allow("new", now)
	s.Allow("newer", now)
	if _, ok := s.Allow("new", now); ok {
		t.Error("a kind that was logged just now is forgotten, although older ones could be")
	}
	written := 0
	for i := range 100_000 {
		if _, ok := s.Allow(fmt.Sprint("other ", i), now); ok {
			written++
		}
	}
	if written != 100_000 {
		t.Errorf("%d of 100000 kinds were written", written)
	}
}

// Warnings and errors are sampled by their message, whatever was added to the logger.
func TestHandler(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Now()
	s := sampler.Sampler{Every: 10 * time.Second}
	log := slog.New(s.Handler(slog.NewTextHandler(&out, nil), func() time.Time { return now }))
	for range 3 {
		log.Error("cannot fetch")
		log.With("queue", "deliver").Error("cannot fetch")
		log.WithGroup("queue").Error("cannot fetch")
		log.Warn("slow")
		log.Info("started")
	}
	now = now.Add(10 * time.Second)
	log.Error("cannot fetch")
	for message, want := range map[string]int{"cannot fetch": 2, "slow": 1, "started": 3} {
		if n := strings.Count(out.String(), message); n != want {
			t.Errorf("%q was written %d times, want %d", message, n, want)
		}
	}
}
