package measure

import (
	"time"

	"belfry/cmd/bench/internal/process"
)

// Meter is CPU time and memory as they stand. Each part is a process of its own;
// Postgres is all of its processes.
type Meter struct {
	At                                time.Time
	Belfry, Postgres, Receiver, Bench time.Duration
	Cores                             process.Cores
	Memory                            process.Memory // of Belfry
}

// PerDelivery is CPU in µs for each delivery, told apart by who spent it.
type PerDelivery struct {
	Belfry   float64 `json:"belfry"`
	Postgres float64 `json:"postgres"`
	Receiver float64 `json:"receiver"`
	Producer float64 `json:"producer"`
	Bench    float64 `json:"bench"` // who looks on: counts arrivals, asks whether any delivery is open
	// Elsewhere is what the machine spent beyond that: the kernel's own threads, and
	// whatever else runs.
	Elsewhere float64 `json:"elsewhere"`
}

// Server is what Belfry and its Postgres spent.
func (p PerDelivery) Server() float64 { return p.Belfry + p.Postgres }

// TestersShare is the part of the CPU of all of the bench's processes that
// receiver, producer and bench took, and a server elsewhere would not see.
func (p PerDelivery) TestersShare() float64 {
	testers := p.Receiver + p.Producer + p.Bench
	return testers / max(testers+p.Server(), 0.001)
}

// Each divides what was spent between two readings.
func Each(before, after Meter, producer time.Duration, deliveries int) *PerDelivery {
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(max(deliveries, 1)) }
	p := &PerDelivery{
		Belfry: per(after.Belfry - before.Belfry), Postgres: per(after.Postgres - before.Postgres),
		Receiver: per(after.Receiver - before.Receiver), Bench: per(after.Bench - before.Bench), Producer: per(producer),
	}
	p.Elsewhere = per(elsewhere(before, after, producer))
	return p
}

// elsewhere is what the cores did between two readings beyond what is measured and
// what measures. The ticks of cores are coarser than those of processes.
func elsewhere(before, after Meter, producer time.Duration) time.Duration {
	ours := func(m Meter) time.Duration { return m.Belfry + m.Postgres + m.Receiver + m.Bench }
	return max(0, after.Cores.Busy-before.Cores.Busy-(ours(after)-ours(before))-producer)
}

// ElsewhereShare is BelfryShare for what was spent elsewhere.
func ElsewhereShare(before, after Meter, producer time.Duration) float64 {
	return share(before, after, elsewhere(before, after, producer))
}

// BelfryShare is how much of one core Belfry used between two readings, in
// percent.
func BelfryShare(before, after Meter) float64 {
	return share(before, after, after.Belfry-before.Belfry)
}

// PostgresShare is BelfryShare for Postgres.
func PostgresShare(before, after Meter) float64 {
	return share(before, after, after.Postgres-before.Postgres)
}

// StolenShare is how much of one core the machine was kept from using, in percent.
func StolenShare(before, after Meter) float64 {
	return share(before, after, after.Cores.Stolen-before.Cores.Stolen)
}

func share(before, after Meter, spent time.Duration) float64 {
	return 100 * float64(spent) / float64(max(after.At.Sub(before.At), 1))
}
