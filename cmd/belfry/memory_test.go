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

// With little to do the heap stays small; under load it is collected seldom.
func TestPercentFor(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[uint64]int{0: gcPercentIdle, busy - 1: gcPercentIdle, busy: gcPercentBusy, 1 << 40: gcPercentBusy} {
		if got := percentFor(bytes); got != want {
			t.Errorf("percentFor(%d) = %d, want %d", bytes, got, want)
		}
	}
}
