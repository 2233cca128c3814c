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

// direct starts jobs in the process that makes them. Such a job is stored as
// running here from the start, and so is an ordinary one of the queue's: should
// this process die, it is taken over, and should its attempt fail, it snoozes and
// is fetched when it is due. It only spares the way through the queue, which
// costs as much as all the rest of a delivery's bookkeeping.
type direct struct {
	mu      sync.Mutex
	open    bool
	jobs    int // that run, or wait in a backlog
	more    chan func(context.Context)
	closed  chan struct{}
	running sync.WaitGroup
	ctx     context.Context
	cut     context.CancelFunc
}

// begin lets jobs in from now on.
func (d *direct) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = true
	d.more, d.closed = make(chan func(context.Context)), make(chan struct{})
	d.ctx, d.cut = context.WithCancel(context.Background())
}

// room is how many more jobs may come in, of at most so many; ok is false where
// none ever does.
func (d *direct) room(most int) (n int, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		return 0, false
	}
	return max(0, most-d.jobs), true
}

// enter counts a job until leave, or reports false when the process is stopping.
func (d *direct) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		d.jobs++
	}
	return d.open
}

func (d *direct) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.jobs--
}

// start runs work, or reports false when the process is stopping.
func (d *direct) start(work func(context.Context)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		return false
	}
	select {
	case d.more <- work:
	default:
		d.running.Go(func() { d.run(work) })
	}
	return true
}

// run works, and then for a while takes what else there is: a new goroutine would
// first have to grow its stack each time.
func (d *direct) run(work func(context.Context)) {
	idle := time.NewTimer(idleWorkerTTL)
	defer idle.Stop()
	for {
		work(d.ctx)
		idle.Reset(idleWorkerTTL)
		select {
		case work = <-d.more:
		case <-idle.C:
			return
		case <-d.closed:
			return
		}
	}
}

// idleWorkerTTL is for how long a goroutine waits for more work.
const idleWorkerTTL = time.Second

// stop starts nothing more, drains the backlogs, and waits for what runs. When ctx is
// done it cuts that short, and waits until late is done.
func (d *direct) stop(ctx, late context.Context, dismiss func()) {
	d.mu.Lock()
	was := d.open
	d.open = false
	d.mu.Unlock()
	if !was {
		return
	}
	close(d.closed)
	dismiss()
	done := make(chan struct{})
	go func() { d.running.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	d.cut()
	select {
	case <-done:
	case <-late.Done():
	}
}

// runDirect works jobs that were stored as running here. They wait in the backlog of
// their destination, each a few words and a small alert in memory, until it has a
// slot for them; a large alert is loaded then. What is not started, because the
// process stops, is given back.
func (x *executor) runDirect(jobs []job) {
	for _, j := range jobs {
		if !x.direct.enter() {
			x.giveBack(j)
			continue
		}
		forget := x.running.add(j.id)
		over := func() {
			x.direct.leave()
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
			return x.direct.start(func(ctx context.Context) {
				defer end()
				x.endDirect(j.id, x.workDirect(ctx, j, work))
			})
		}
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

// workDirect is what River does around Work.
func (x *executor) workDirect(ctx context.Context, j job, work func(context.Context, job) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			x.log.ErrorContext(ctx, "job panicked", "delivery_id", j.deliveryID, "error", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = river.JobSnooze(ourFault)
		}
	}()
	return work(ctx, j)
}

// giveBack puts a job into the queue, for whoever comes first. When even that
// cannot be written, the others find out that this process has left.
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

// endDirect writes down how a job ended. What cannot be written is found by
// reclaim: the job then counts as lost.
func (x *executor) endDirect(jobID int64, err error) {
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
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
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
