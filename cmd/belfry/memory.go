package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What lives in the heap of a server is small, and what passes through it
// under load is much: with Go's own setting (collect when the heap has doubled) it
// collects garbage all the time, for a fifth of its CPU. So under load it collects
// when the heap has grown ninefold, and with little to do as Go has it, which keeps
// an idle server small.
//
// What that costs in memory is bounded by a limit, above which Go collects more often.
// A limit below what is really in use would have it collect without end, for half of
// all CPU, just when there is too much to do already. So the limit follows what is in
// use. docs/operating.md says how much memory a server takes.
const (
	gcPercentIdle = 100
	gcPercentBusy = 800
	busy          = 2 << 20  // bytes allocated from one look to the next
	memoryLimit   = 90 << 20 // the least
	memoryLook    = time.Second / 4
)

// tuneMemory sets how often garbage is collected, by what the server does, until ctx
// ends. An operator who sets GOGC or GOMEMLIMIT has decided already.
func tuneMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limit, percent, allocated := int64(memoryLimit), gcPercentIdle, uint64(0)
	debug.SetGCPercent(percent)
	debug.SetMemoryLimit(limit)
	used := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/heap/allocs:bytes"},
	}
	look := time.NewTicker(memoryLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		metrics.Read(used)
		if want := limitFor(used[0].Value.Uint64() + used[1].Value.Uint64()); want != limit {
			debug.SetMemoryLimit(want)
			limit = want
		}
		all := used[2].Value.Uint64()
		if want := percentFor(all - allocated); want != percent {
			debug.SetGCPercent(want)
			percent = want
		}
		allocated = all
	}
}

// percentFor returns by how much the heap may grow between collections while so many
// bytes are allocated from one look to the next.
func percentFor(bytes uint64) int {
	if bytes < busy {
		return gcPercentIdle
	}
	return gcPercentBusy
}

// limitFor returns the limit where so many bytes are in use: twice that, in steps
// of 10 MiB, as setting it stops the world.
func limitFor(used uint64) int64 {
	const step = 10 << 20
	return max(memoryLimit, int64(2*used/step*step))
}
