package scenarios

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"belfry/cmd/bench/internal/measure"
)

// latencies are those of a part of what was measured.
type latencies struct{ of *hdrhistogram.Histogram }

func newLatencies() *latencies { return &latencies{measure.NewHistogram()} }

func (l *latencies) record(d time.Duration) { measure.Record(l.of, d) }

func (l *latencies) quantiles() measure.Quantiles { return measure.QuantilesOf(l.of) }
