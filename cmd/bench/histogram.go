package main

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// longest is the longest latency told apart: what is later counts as that.
const longest = time.Hour

// newHistogram counts latencies in µs, to three digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, longest.Microseconds(), 3)
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d, 0), longest).Microseconds()) // it is within bounds
}

// quantiles are latencies in ms.
type quantiles struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50ms"`
	P95   float64 `json:"p95ms"`
	P99   float64 `json:"p99ms"`
	Max   float64 `json:"maxMs"`
}

func quantilesOf(h *hdrhistogram.Histogram) quantiles {
	ms := func(v int64) float64 { return float64(v) / 1000 }
	return quantiles{
		Count: int(h.TotalCount()),
		P50:   ms(h.ValueAtQuantile(50)), P95: ms(h.ValueAtQuantile(95)), P99: ms(h.ValueAtQuantile(99)), Max: ms(h.Max()),
	}
}
