package dispatch

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestSeldom(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Now()
	log := slog.New(&seldom{slog.NewTextHandler(&out, nil), func() time.Time { return now }, &said{at: map[string]time.Time{}}})
	for range 3 {
		log.Error("cannot fetch")
		log.With("queue", "deliver").Error("cannot fetch")
		log.Warn("slow")
		log.Info("started")
	}
	now = now.Add(sayEvery)
	log.Error("cannot fetch")
	for message, want := range map[string]int{"cannot fetch": 2, "slow": 1, "started": 3} {
		if n := strings.Count(out.String(), message); n != want {
			t.Errorf("%q was said %d times, want %d", message, n, want)
		}
	}
}
