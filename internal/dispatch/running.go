package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river"
)

// running is the set of jobs that this instance is working on. It includes jobs whose work
// is over but whose end River has not written yet: in the table they still run.
type running struct {
	mu  sync.Mutex
	ids map[int64]time.Time // when its work ended; zero: it has not
}

// endLost is how long the end of a job may take to be written. After that it is taken for
// lost, and the job with it.
const endLost = time.Minute

// add puts a job in and returns how to take it out.
func (r *running) add(id int64) (remove func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids == nil {
		r.ids = map[int64]time.Time{}
	}
	r.ids[id] = time.Time{}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.ids, id)
	}
}

// ended says that a job's work is over, and its end still to be written.
func (r *running) ended(id int64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids[id] = now
}

// written takes a job out whose end is written, unless it is being worked again.
func (r *running) written(id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ids[id].IsZero() {
		delete(r.ids, id)
	}
}

func (r *running) list(now time.Time) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]int64, 0, len(r.ids)) // not nil, which is NULL and like no id at all
	for id, ended := range r.ids {
		if !ended.IsZero() && now.Sub(ended) > endLost {
			delete(r.ids, id)
			continue
		}
		ids = append(ids, id)
	}
	return ids
}

// watchEnds takes jobs out of running as River writes their ends, until River stops. It
// does not hear of an end when too many come at once, or when the row is gone: such an end
// counts as written after a while.
func (x *executor) watchEnds() {
	ends, stop := x.queue.SubscribeConfig(&river.SubscribeConfig{
		ChanSize: 4 * maxEnds,
		Kinds: []river.EventKind{
			river.EventKindJobCancelled, river.EventKindJobCompleted, river.EventKindJobFailed,
			river.EventKindJobInterrupted, river.EventKindJobSnoozed,
		},
	})
	x.loops.start(func(ctx context.Context) {
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case end, ok := <-ends:
				if !ok {
					return
				}
				x.running.written(end.Job.ID)
			}
		}
	})
}

// maxEnds is how many ends River writes at once.
const maxEnds = 5000
