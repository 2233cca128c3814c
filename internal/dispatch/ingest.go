package dispatch

import (
	"sync/atomic"
	"time"

	"belfry/internal/batch"
	"belfry/internal/cluster"
	"belfry/internal/limiter"
	"belfry/internal/live"
	"belfry/internal/postgres"
)

// commitInterval is the least time between two commits of accepted alerts, or of records,
// if the first had more than one item. At 1,500 alerts a second, where each commit would
// have two items, it saves a third of all CPU.
const commitInterval = 4 * time.Millisecond

// ingest accepts alerts: see Accept.
type ingest struct {
	ingestParts

	smallCalls *batch.Batcher[*acceptItem]
	batches    *batch.Batcher[*acceptItem] // of calls with many alerts
	committing chan struct{}               // held by the batcher that commits
	lastSmall  atomic.Int64                // when a call with few alerts was last committed, Unix time in nanoseconds

	routing atomic.Pointer[postgres.Routing]
	reroute atomic.Bool // routing must be read again: the database may be another one

	waiting    atomic.Int64 // bytes of alerts that wait to be stored
	maxWaiting int64
}

// ingestParts is what accepting needs.
type ingestParts struct {
	db          *postgres.DB
	txs         *transactions
	now         func() time.Time
	link        func(alertID string) string
	budget      int // attempts of a run
	workers     int
	metrics     *metrics
	events      *live.Bus
	cluster     *cluster.Member
	limiter     *limiter.Limiter
	transitions *transitions
	unrouted    *unroutedNotes

	// runsLocally reports whether local execution is on: this process works the jobs that
	// it makes.
	runsLocally func() bool
}

// newIngest begins to accept. It goes on until close.
func newIngest(p ingestParts) *ingest {
	g := &ingest{ingestParts: p, committing: make(chan struct{}, 1), maxWaiting: maxWaitingBytes}
	g.smallCalls = batch.New(batch.Config{Capacity: maxWaiting, Max: maxWaiting, MinInterval: commitInterval}, g.commitSmall)
	g.batches = batch.New(batch.Config{Capacity: maxWaiting, Max: maxBatchAlerts}, g.commitBatches)
	p.cluster.OnLost(func() { g.reroute.Store(true) })
	return g
}

// close accepts nothing more, and returns when the alerts that wait are stored.
func (g *ingest) close() {
	g.smallCalls.Close()
	g.batches.Close()
}
