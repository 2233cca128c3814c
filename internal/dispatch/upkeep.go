package dispatch

import (
	"context"
	"time"

	"belfry/internal/cluster"
	"belfry/internal/live"
)

const (
	keysetEvery     = 2 * time.Second
	partitionsEvery = 30 * time.Second
)

// startUpkeep runs the loops that keep every delivery moving. All of them ask the tables
// and do not rely on messages, so that a lost message cannot leave a delivery behind. All
// may run in every replica at once.
func (d *Dispatcher) startUpkeep() {
	for _, s := range d.steps() {
		d.loops.run(s)
	}
	d.loops.start(d.Events.Listen)
	if d.delivers() {
		d.loops.start(d.holds.run)
	}
}

func (d *Dispatcher) steps() []step {
	steps := []step{
		{name: "heartbeat", every: cluster.HeartbeatEvery, wake: d.Cluster.Wake(), do: d.Cluster.Heartbeat},
		{name: "keyset", every: keysetEvery, do: func(context.Context) error { return d.DB.RefreshKey() }},
		{name: "partitions", every: partitionsEvery, do: func(ctx context.Context) error { d.partitions.ensure(ctx); return nil }},
		{name: "publish", every: live.PublishEvery, do: d.Events.Publish},
	}
	if !d.delivers() {
		return steps
	}
	steps = append(append(steps, d.maintenance.steps()...), d.retention.steps()...)
	return append(steps,
		step{name: "unknown destinations", every: tellUnknownEvery, do: d.announcer.tellUnknown},
		step{name: "bulk re-send", every: bulkEvery, do: d.stepBulks},
	)
}
