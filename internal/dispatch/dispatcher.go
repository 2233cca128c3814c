// Package dispatch moves an alert from accepted to acknowledged. It owns the job queue:
// which jobs are made, in which transaction, and what a worker does with a job. The path
// of one alert is Accept, create, runLocal, workSlot, attempt, record. A job that River
// fetched begins with Work instead of runLocal; both ways meet in workSlot.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"belfry/internal/cluster"
	"belfry/internal/delivery"
	"belfry/internal/destination"
	"belfry/internal/limiter"
	"belfry/internal/live"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
	"belfry/internal/sampler"
)

var (
	// ErrOverloaded is returned when more alerts wait to be stored than fit: the
	// producer should try again shortly.
	ErrOverloaded = errors.New("too many alerts are waiting to be stored")

	// ErrUnavailable is returned when the database could not be written: nothing
	// was accepted.
	ErrUnavailable = errors.New("the database cannot be written")
)

// Config says how to dispatch.
type Config struct {
	DB        *postgres.DB // with connections of its own, which nobody else may use up
	Client    *outbound.Client
	Log       *slog.Logger
	Metrics   prometheus.Registerer
	Now       func() time.Time
	Waits     delivery.Waits
	Roles     []string      // "worker": deliver; else only accept
	Workers   int           // attempts in flight at most
	Retention time.Duration // how long alerts and attempts are kept
	Version   string        // of this program, shown for its instance
	Schema    int64         // the newest migration that this program knows

	AuditRetention time.Duration // how long the audit log is kept; 0: for ever

	AttemptTimeout time.Duration // of Client
	FailingMaxAge  time.Duration // how long a delivery is held as failing

	Link func(alertID string) string

	// Alone says that no other process can be using this database, so that jobs that a
	// crash left running are taken over at once.
	Alone bool
}

// Dispatcher accepts alerts and delivers them in the background.
type Dispatcher struct {
	Config
	*transactions
	*ingest
	*maintenance
	*executor
	*operator
	*bulk
	Events   *live.Bus       // what changes, for the console
	Cluster  *cluster.Member // whether this replica lives, and how many there are
	river    *river.Client[pgx.Tx]
	metrics  metrics
	recorder *recorder
	limiter  *limiter.Limiter

	transitions *transitions
	holds       *holds

	loops      *loops
	retention  *retention
	announcer  *announcer
	partitions *partitions
}

// New returns a dispatcher that accepts at once and delivers after Start.
func New(cfg Config) (*Dispatcher, error) {
	d := &Dispatcher{Config: cfg}
	d.metrics = newMetrics(cfg.Metrics, cfg.DB)
	d.Events = live.New(cfg.DB, cfg.Log, cfg.Now)
	d.Cluster = cluster.New(cluster.Config{
		DB: cfg.DB, Log: cfg.Log, Now: cfg.Now, Version: cfg.Version, Schema: cfg.Schema, Roles: cfg.Roles, Repairs: d.metrics.repairs,
	})
	d.Cluster.OnLost(cfg.DB.Forget)
	d.transactions = &transactions{db: cfg.DB, log: cfg.Log, forget: d.Cluster.Forget, operators: make(semaphore, maxOperatorTxs)}
	d.loops = newLoops(cfg.Log)
	d.retention = &retention{db: cfg.DB, log: cfg.Log, now: cfg.Now, kept: cfg.Retention, audit: cfg.AuditRetention}

	d.limiter = limiter.New(cfg.Workers, d.Cluster.Replicas, cfg.Now)
	cfg.Metrics.MustRegister(inFlightGauges{d.limiter})
	d.partitions = &partitions{db: cfg.DB, log: cfg.Log, now: cfg.Now}
	d.recorder = newRecorder(recorderParts{
		db: cfg.DB, log: cfg.Log, now: cfg.Now, workers: cfg.Workers, longest: max(cfg.Waits.Longest(), longPause),
		retries: d.metrics.waits, partitions: d.partitions, freed: d.limiter.Freed,
	})
	d.executor = newExecutor(executorParts{
		db: cfg.DB, log: cfg.Log, now: cfg.Now, waits: cfg.Waits, client: cfg.Client, workers: cfg.Workers,
		cluster: d.Cluster, partitions: d.partitions, limiter: d.limiter, recorder: d.recorder, loops: d.loops,
	})
	queue, err := newQueue(cfg, d.Cluster.ID(), &worker{x: d.executor})
	if err != nil {
		return nil, err
	}
	d.river, d.executor.queue = queue, queue
	d.transitions = newTransitions(transitionParts{
		db: cfg.DB, log: cfg.Log, now: cfg.Now, metrics: &d.metrics, events: d.Events, limiter: d.limiter, workers: cfg.Workers,
		queue: queue, instance: d.Cluster.ID(), runLocal: d.runLocal, localCapacity: d.localCapacity, releases: d.delivers(),
	})
	d.executor.transitions = d.transitions
	d.wireComponents()
	return d, nil
}

// wireComponents makes the components that no other component is handed.
func (d *Dispatcher) wireComponents() {
	cfg := d.Config
	d.holds = &holds{
		transactions: d.transactions, db: cfg.DB, log: cfg.Log, now: cfg.Now,
		limiter: d.limiter, transitions: d.transitions, attemptTimeout: cfg.AttemptTimeout,
	}
	d.ingest = newIngest(ingestParts{
		db: cfg.DB, txs: d.transactions, now: cfg.Now, link: cfg.Link, budget: cfg.Waits.Budget(), workers: cfg.Workers, metrics: &d.metrics,
		events: d.Events, cluster: d.Cluster, limiter: d.limiter, transitions: d.transitions,
		unrouted:    newUnroutedNotes(cfg.Log, cfg.Now, d.metrics.unrouted),
		runsLocally: d.runsLocally,
	})
	d.announcer = &announcer{
		transactions: d.transactions, db: cfg.DB, log: cfg.Log, now: cfg.Now, link: cfg.Link, events: d.Events, accept: d.acceptOurs,
	}
	d.maintenance = &maintenance{
		transactions: d.transactions, db: cfg.DB, log: cfg.Log, now: cfg.Now, cluster: d.Cluster, transitions: d.transitions,
		repairs: d.metrics.repairs, failingMaxAge: cfg.FailingMaxAge, nudges: make(chan struct{}, 1),
		jobsAtWork: d.jobs,
		moves:      []func(context.Context) error{d.holds.review, d.holds.releaseOurSide, d.announcer.announce},
	}
	d.operator = &operator{operatorParts{
		log: cfg.Log, now: cfg.Now, waits: cfg.Waits, timeout: cfg.AttemptTimeout, client: cfg.Client, link: cfg.Link,
		tests: d.metrics.tests, tx: d.transactions, transitions: d.transitions, recorder: d.recorder, limiter: d.limiter,
		runsLocally: d.runsLocally, share: d.share(),
	}}
	d.bulk = &bulk{bulkParts{
		db: cfg.DB, log: cfg.Log, now: cfg.Now, waits: cfg.Waits, events: d.Events, tx: d.transactions, transitions: d.transitions,
	}}
}

// logEvery is how often a log line of the same kind is written.
const logEvery = 10 * time.Second

// newQueue returns the job queue, which is yet to be started.
func newQueue(cfg Config, id string, w *worker) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	// While the database is away River says the same ten times a second, and what
	// matters of that is in our own lines.
	riverLog := &sampler.Sampler{Every: logEvery}
	queue, err := river.NewClient(riverpgxv5.New(cfg.DB.Pool()), &river.Config{
		ID:      id,
		Logger:  slog.New(riverLog.Handler(cfg.Log.Handler(), cfg.Now)),
		Queues:  map[string]river.QueueConfig{deliverQueue: {MaxWorkers: cfg.Workers}},
		Workers: workers,
		// The inserting client throttles NOTIFY by this: at River's default of
		// 100 ms every second alert would wait for a poll.
		FetchCooldown:     2 * time.Millisecond,
		FetchPollInterval: 100 * time.Millisecond,
		// An attempt has its own deadline, and its record may wait for the
		// database as long as it takes.
		JobTimeout: -1,
		// Our tables keep the history.
		CompletedJobRetentionPeriod: 3 * time.Minute,
		CancelledJobRetentionPeriod: time.Hour,
		DiscardedJobRetentionPeriod: 24 * time.Hour,
		ReindexerIndexNames:         reindexed(),
	})
	if err != nil {
		return nil, fmt.Errorf("create job queue: %w", err)
	}
	return queue, nil
}

// reindexed are River's indexes without those that a migration of ours dropped.
func reindexed() []string {
	var names []string
	for _, name := range river.ReindexerIndexNamesDefault() {
		switch name {
		case "river_job_args_index", "river_job_metadata_index", "river_job_kind":
		default:
			names = append(names, name)
		}
	}
	return names
}

// Start begins to deliver. It returns when this instance is known to be alive.
func (d *Dispatcher) Start(ctx context.Context) error {
	if err := d.Cluster.Heartbeat(ctx); err != nil {
		return err
	}
	if d.Alone {
		if err := d.Cluster.TakeOverAll(ctx); err != nil {
			return err
		}
	}
	d.partitions.ensure(ctx)
	if !d.delivers() {
		d.startUpkeep()
		return nil
	}
	d.watchEnds()
	if err := d.river.Start(context.WithoutCancel(ctx)); err != nil { // Stop ends it, in its order
		return fmt.Errorf("start job queue: %w", err)
	}
	d.local.begin(ctx)
	d.startUpkeep()
	return nil
}

// Stop ends in order: it accepts nothing more, lets attempts in flight finish until ctx
// is done and then cuts them short, records all of them, and leaves the cluster. An
// attempt that was cut short is not charged.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.ingest.close()
	late, cancel := d.afterGrace(ctx)
	defer cancel()
	var locals sync.WaitGroup
	locals.Go(func() { d.local.stop(ctx, late, d.limiter.Drain) })
	var err error
	if d.delivers() {
		err = d.river.Stop(ctx)
	}
	if err != nil {
		d.Log.WarnContext(ctx, "attempts cut short by the stop", "error", err)
		err = d.river.StopAndCancel(late)
	}
	locals.Wait()
	d.recorder.close()
	d.executor.loads.Close()
	d.transitions.close()
	d.executor.ends.Close()
	d.loops.stop()
	if leave := d.Cluster.Leave(late); leave != nil {
		d.Log.WarnContext(ctx, "leave", "error", leave) // others find out in a few seconds
	}
	if err != nil {
		return fmt.Errorf("stop job queue: %w", err)
	}
	return nil
}

// delivers reports whether this instance delivers.
func (d *Dispatcher) delivers() bool { return slices.Contains(d.Roles, "worker") }

// afterGrace returns a context that is done recordGrace after ctx, when records
// are no longer waited for either.
func (d *Dispatcher) afterGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(recordGrace):
		case <-late.Done():
			return
		}
		d.recorder.giveUp()
		cancel()
	})
	return late, func() { stop(); cancel() }
}

// recordGrace is how long a stop waits, once attempts are cut short, for their
// records.
const recordGrace = 5 * time.Second

// InFlight is what a destination has in flight from this process, and may have.
type InFlight = limiter.InFlight

// InFlight says what a destination has in flight. ok is false where this process delivers
// nothing, and so has nothing to say.
func (d *Dispatcher) InFlight(to destination.Destination) (f InFlight, ok bool) {
	return d.limiter.InFlight(to.ID, to.Limits), d.delivers()
}

// Working reports the two things without which no attempt starts: that this
// instance is known to be alive, and that attempts have partitions to go to.
func (d *Dispatcher) Working() (alive, partitions bool) {
	return d.Cluster.Alive(), d.partitions.there()
}
