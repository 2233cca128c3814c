package dispatch

import (
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"belfry/internal/batch"
	"belfry/internal/cluster"
	"belfry/internal/delivery"
	"belfry/internal/limiter"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
	"belfry/internal/sampler"
)

// executor works jobs: those that were made here, and those that River fetches.
type executor struct {
	executorParts

	local   localExecution
	running running
	loads   *batch.Batcher[*loadItem]
	ends    *batch.Batcher[*endItem]
	noKey   sampler.Sampler // of lines that say that the key of a destination is missing
}

// executorParts is what an executor needs. The queue and the transitions need an executor
// themselves, so they are filled in once they are there.
type executorParts struct {
	db          *postgres.DB
	log         *slog.Logger
	now         func() time.Time
	waits       delivery.Waits
	client      *outbound.Client
	workers     int
	cluster     *cluster.Member
	partitions  *partitions
	limiter     *limiter.Limiter
	recorder    *recorder
	loops       *loops
	queue       *river.Client[pgx.Tx]
	transitions *transitions
}

func newExecutor(p executorParts) *executor {
	x := &executor{executorParts: p, noKey: sampler.Sampler{Every: logEvery}}
	x.loads = batch.New(batch.Config{Capacity: 2 * p.workers, Max: maxLoads}, x.commitLoads)
	x.ends = batch.New(batch.Config{Capacity: (2 + limiter.JobsPerWorker) * p.workers, Max: 512}, x.commitEnds)
	return x
}

// runsLocally reports whether local execution is on: this process works the jobs that
// it makes.
func (x *executor) runsLocally() bool {
	_, ok := x.local.free(0)
	return ok
}

// localCapacity returns how many more jobs local execution can take.
func (x *executor) localCapacity() int {
	n, _ := x.local.free(limiter.JobsPerWorker * x.workers)
	return n
}

// jobs returns the jobs that this replica is working on.
func (x *executor) jobs() []int64 { return x.running.list(x.now()) }
