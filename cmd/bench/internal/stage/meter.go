package stage

import (
	"time"

	"belfry/cmd/bench/internal/measure"
	"belfry/cmd/bench/internal/process"
)

// Read reads the meters of all processes.
func (s *Stage) Read() (measure.Meter, error) {
	m := measure.Meter{At: time.Now()}
	var err error
	if m.Postgres, err = s.Cluster.CPU(); err != nil {
		return m, err
	}
	for _, p := range []struct {
		pid int
		to  *time.Duration
	}{{s.Belfry.PID(), &m.Belfry}, {s.Receiver.PID(), &m.Receiver}} {
		times, err := process.ReadTimes(p.pid)
		if err != nil {
			return m, err
		}
		*p.to = times.Own
	}
	if m.Bench, err = process.SelfTime(); err != nil {
		return m, err
	}
	if m.Cores, err = process.ReadCores(); err != nil {
		return m, err
	}
	m.Memory, err = process.ReadMemory(s.Belfry.PID())
	return m, err
}
