package dispatch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"belfry/internal/limiter"
	"belfry/internal/postgres"
)

// localExecution works jobs in the process that makes them. Such a job is stored as if
// this process had fetched it from the queue. So it is a job like any other: if this
// process dies, another takes it over, and if its attempt fails, it snoozes and is
// fetched when it is due. What it saves is the way through the queue, which costs as
// much as all the rest of a delivery's bookkeeping.
type localExecution struct {
	mu      sync.Mutex
	open    bool
	jobs    int // that run, or wait in a backlog
	more    chan func(context.Context)
	closed  chan struct{}
	running sync.WaitGroup
	ctx     context.Context
	cut     context.CancelFunc
}

// begin takes jobs from now on. They run until stop, in what is left of ctx without its
// end: attempts in flight may finish after that.
func (l *localExecution) begin(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = true
	l.more, l.closed = make(chan func(context.Context)), make(chan struct{})
	l.ctx, l.cut = context.WithCancel(context.WithoutCancel(ctx))
}

// free is how many more jobs may come in if there may be most of them. ok is false if
// this process works no jobs at all.
func (l *localExecution) free(most int) (n int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		return 0, false
	}
	return max(0, most-l.jobs), true
}

// enter counts a job until leave, or reports false when the process is stopping.
func (l *localExecution) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		l.jobs++
	}
	return l.open
}

func (l *localExecution) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs--
}

// start runs work, or reports false when the process is stopping.
func (l *localExecution) start(work func(context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		return false
	}
	select {
	case l.more <- work:
	default:
		l.running.Go(func() { l.run(work) })
	}
	return true
}

// run works, and then waits a while for more work, because a new goroutine would first
// have to grow its stack.
func (l *localExecution) run(work func(context.Context)) {
	idle := time.NewTimer(idleWorkerTTL)
	defer idle.Stop()
	for {
		work(l.ctx)
		idle.Reset(idleWorkerTTL)
		select {
		case work = <-l.more:
		case <-idle.C:
			return
		case <-l.closed:
			return
		}
	}
}

// idleWorkerTTL is for how long a goroutine waits for more work.
const idleWorkerTTL = time.Second

// stop starts nothing more, drains the backlogs, and waits for the jobs that run. When ctx
// is done it cuts them short, and waits for them until late is done.
func (l *localExecution) stop(ctx, late context.Context, dismiss func()) {
	l.mu.Lock()
	was := l.open
	l.open = false
	l.mu.Unlock()
	if !was {
		return
	}
	close(l.closed)
	dismiss()
	done := make(chan struct{})
	go func() { l.running.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	l.cut()
	select {
	case <-done:
	case <-late.Done():
	}
}

// runLocal works jobs that were stored as running here. Each waits in the backlog of its
// destination until there is a slot. Until then it takes little memory: a large alert is
// loaded only when it is sent. Jobs that are not started, because the process stops, are
// given back.
func (x *executor) runLocal(jobs []job) {
	for _, j := range jobs {
		if !x.local.enter() {
			x.giveBack(j)
			continue
		}
		forget := x.running.add(j.id)
		over := func() {
			x.local.leave()
			forget()
		}
		end := func() {
			x.limiter.Leave(j.destinationID)
			over()
		}
		endInTurn := func() {
			x.limiter.Finish(j.destinationID)
			over()
		}
		run := func(end func(), work func(context.Context, job) error) bool {
			return x.local.start(func(ctx context.Context) {
				defer end()
				x.endLocal(j.id, x.workLocal(ctx, j, work))
			})
		}
		// The limiter calls back once: with a slot (got), in which the attempt is made, or
		// without one, because the job has waited for too long or the destination asked to
		// be left alone. Then the delivery is held. When the process stops, run starts
		// nothing any more: the job goes back to the queue, and its slot to the limiter.
		x.limiter.Enqueue(j.destinationID, j.out.Destination.Limits, urgencyOf(j.out), func(got bool) {
			switch {
			case got && run(endInTurn, x.workInTurn):
			case !got && run(end, x.workTooLate):
			case got:
				x.limiter.Release(j.destinationID, limiter.Outcome{})
				x.giveBack(j)
				endInTurn()
			default:
				x.giveBack(j)
				end()
			}
		})
	}
}

// workLocal is what River does around Work.
func (x *executor) workLocal(ctx context.Context, j job, work func(context.Context, job) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			x.log.ErrorContext(ctx, "job panicked", "delivery_id", j.deliveryID, "error", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = river.JobSnooze(ourFault)
		}
	}()
	return work(ctx, j)
}

// giveBack puts a job into the queue, for any process. If even that cannot be written, the
// job is taken over when this process has left.
func (x *executor) giveBack(j job) {
	x.ends.TryAdd(&endItem{jobID: j.id, snooze: true, done: make(chan struct{})})
}

// errGone is how work ends when the record of its attempt took the job away.
var errGone = errors.New("the job is gone")

// endItem is a job whose work has ended.
type endItem struct {
	jobID  int64
	snooze bool
	wait   time.Duration
	done   chan struct{}
}

// endLocal stores how a job ended. If that cannot be stored, Reclaim finds the job later
// and counts it as lost.
func (x *executor) endLocal(jobID int64, err error) {
	item := &endItem{jobID: jobID, done: make(chan struct{})}
	var snooze *river.JobSnoozeError
	switch {
	case errors.Is(err, errGone):
		return
	case errors.As(err, &snooze):
		item.snooze, item.wait = true, snooze.Duration
	}
	if x.ends.TryAdd(item) {
		<-item.done
	}
}

func (x *executor) commitEnds(items []*endItem) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout) // a commit serves many callers
	defer cancel()
	var (
		over    []int64
		snoozed []postgres.Snooze
	)
	for _, item := range items {
		if item.snooze {
			snoozed = append(snoozed, postgres.Snooze{JobID: item.jobID, Wait: item.wait})
		} else {
			over = append(over, item.jobID)
		}
	}
	if err := x.db.EndJobs(ctx, x.cluster.ID(), over, snoozed); err != nil {
		x.log.WarnContext(ctx, "ends of jobs not written", "jobs", len(items), "error", err)
	}
	for _, item := range items {
		close(item.done)
	}
}
