package main

import (
	"strings"
	"testing"
	"time"
)

// With too few workers none are left for a destination that answers.
func TestWorkers(t *testing.T) {
	t.Parallel()
	for workers, ok := range map[int]bool{-1: false, 0: false, 1: false, 3: false, 4: true, 256: true, 10_000: true, 10_001: false} {
		c := config{
			Listen: "127.0.0.1:0", AttemptTimeout: time.Second, Workers: workers, Roles: []string{"api"}, FailingMaxAge: time.Hour,
			SessionLength: time.Hour, SessionIdle: time.Hour,
		}
		_, err := c.parse()
		if ok != (err == nil) || !ok && !strings.HasPrefix(err.Error(), "BELFRY_WORKERS: must be from 4 to 10000: with fewer,") {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}
