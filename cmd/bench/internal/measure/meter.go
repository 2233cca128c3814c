package measure

import (
	"time"

	"belfry/cmd/bench/internal/process"
)

// Meter is CPU time and memory as they stand.
type Meter struct {
	At                         time.Time
	Belfry, Postgres, Receiver time.Duration
	Memory                     process.Memory // of Belfry
}

// PerDelivery is CPU in µs for each delivery.
type PerDelivery struct {
	Belfry   float64 `json:"belfry"`
	Postgres float64 `json:"postgres"`
	Receiver float64 `json:"receiver"`
	Load     float64 `json:"load"`
}

// Each divides what was spent between two readings.
func Each(before, after Meter, load time.Duration, deliveries int) *PerDelivery {
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(max(deliveries, 1)) }
	return &PerDelivery{
		Belfry: per(after.Belfry - before.Belfry), Postgres: per(after.Postgres - before.Postgres),
		Receiver: per(after.Receiver - before.Receiver), Load: per(load),
	}
}

// BelfryShare is how much of one core Belfry used between two readings, in
// percent.
func BelfryShare(before, after Meter) float64 {
	return 100 * float64(after.Belfry-before.Belfry) / float64(after.At.Sub(before.At))
}

// PostgresShare is BelfryShare for Postgres.
func PostgresShare(before, after Meter) float64 {
	return 100 * float64(after.Postgres-before.Postgres) / float64(after.At.Sub(before.At))
}
