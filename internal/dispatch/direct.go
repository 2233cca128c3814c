package dispatch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/riverqueue/river"

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
	jobs    int
	running sync.WaitGroup
	ctx     context.Context
	cut     context.CancelFunc
}

// begin lets jobs be started from now on.
func (d *direct) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = true
	d.ctx, d.cut = context.WithCancel(context.Background())
}

// room is how many more jobs may be started, of at most so many.
func (d *direct) room(most int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		return 0
	}
	return max(0, most-d.jobs)
}

// start runs work unless the process is stopping.
func (d *direct) start(work func(context.Context)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		return false
	}
	d.jobs++
	d.running.Go(func() {
		work(d.ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.jobs--
	})
	return true
}

// stop starts nothing more, and waits for what runs: until ctx is done, when it
// cuts that short, and then until late is.
func (d *direct) stop(ctx, late context.Context) {
	d.mu.Lock()
	begun := d.ctx != nil
	d.open = false
	d.mu.Unlock()
	if !begun {
		return
	}
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

// runDirect works jobs that were stored as running here. What is not started,
// because the process stops, is given back.
func (d *Dispatcher) runDirect(jobs []postgres.RunningJob) {
	for _, j := range jobs {
		leave := d.running.add(j.ID)
		d.slots.enter(j.DestinationID)
		started := d.direct.start(func(ctx context.Context) {
			defer leave()
			defer d.slots.leave(j.DestinationID)
			d.endDirect(j.ID, d.workDirect(ctx, j))
		})
		if !started {
			d.slots.leave(j.DestinationID)
			d.endDirect(j.ID, river.JobSnooze(0))
			leave()
		}
	}
}

// workDirect is what River does around Work.
func (d *Dispatcher) workDirect(ctx context.Context, j postgres.RunningJob) (err error) {
	defer func() {
		if r := recover(); r != nil {
			d.Log.ErrorContext(ctx, "job panicked", "delivery_id", j.DeliveryID, "error", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = river.JobSnooze(ourFault)
		}
	}()
	return d.work(ctx, j)
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
func (d *Dispatcher) endDirect(jobID int64, err error) {
	item := &endItem{jobID: jobID, done: make(chan struct{})}
	var snooze *river.JobSnoozeError
	switch {
	case errors.Is(err, errGone):
		return
	case errors.As(err, &snooze):
		item.snooze, item.wait = true, snooze.Duration
	}
	if d.ends.add(item) {
		<-item.done
	}
}

func (d *Dispatcher) commitEnds(items []*endItem) {
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
	if err := d.DB.EndJobs(ctx, d.instance, over, snoozed); err != nil {
		d.Log.WarnContext(ctx, "ends of jobs not written", "jobs", len(items), "error", err)
	}
	for _, item := range items {
		close(item.done)
	}
}
