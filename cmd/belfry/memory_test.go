package main

import "testing"

// The limit never falls short of what is in use, and does not change with each byte.
func TestLimitFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		used uint64
		want int64
	}{{0, memoryLimit}, {45 << 20, memoryLimit}, {50 << 20, 100 << 20}, {50<<20 + 1, 100 << 20}, {400 << 20, 800 << 20}} {
		if got := limitFor(tt.used); got != tt.want {
			t.Errorf("%d in use: got %d, want %d", tt.used, got, tt.want)
		}
	}
}
