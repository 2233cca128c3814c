package main

import "time"

// meter is CPU time and memory as they stand.
type meter struct {
	at                         time.Time
	belfry, postgres, receiver time.Duration
	memory                     memory // of Belfry
}

func (s *stage) read() (meter, error) {
	m := meter{at: time.Now()}
	var err error
	if m.postgres, err = s.cluster.cpu(); err != nil {
		return m, err
	}
	for _, p := range []struct {
		pid int
		to  *time.Duration
	}{{s.belfry.pid(), &m.belfry}, {s.receiver.pid(), &m.receiver}} {
		times, err := readTimes(p.pid)
		if err != nil {
			return m, err
		}
		*p.to = times.own
	}
	m.memory, err = readMemory(s.belfry.pid())
	return m, err
}

// perDelivery is CPU in µs for each delivery.
type perDelivery struct {
	Belfry   float64 `json:"belfry"`
	Postgres float64 `json:"postgres"`
	Receiver float64 `json:"receiver"`
	Load     float64 `json:"load"`
}

// each divides what was spent between two readings.
func each(before, after meter, load time.Duration, deliveries int) *perDelivery {
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(max(deliveries, 1)) }
	return &perDelivery{
		Belfry: per(after.belfry - before.belfry), Postgres: per(after.postgres - before.postgres),
		Receiver: per(after.receiver - before.receiver), Load: per(load),
	}
}

// belfryShare is how much of one core Belfry used between two readings, in
// percent.
func belfryShare(before, after meter) float64 {
	return 100 * float64(after.belfry-before.belfry) / float64(after.at.Sub(before.at))
}

// postgresShare is belfryShare for Postgres.
func postgresShare(before, after meter) float64 {
	return 100 * float64(after.postgres-before.postgres) / float64(after.at.Sub(before.at))
}
