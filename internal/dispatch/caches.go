package dispatch

import (
	"context"
	"errors"

	"belfry/internal/postgres"
)

// forget drops everything that this process keeps of what the database holds. It is
// called when a heartbeat fails: another database may answer next, a replica that
// was promoted and lacks the last of what the one before it had. A new cache gets
// a line here; one outside of this package is dropped by a function given to OnForget.
//
//   - routing: where alerts go. Checked against its version by each transaction.
//   - DB: ids of jobs in reserve, which may be taken in another database (a collision
//     with one is mended by jobTaken), and opened destinations, checked against what is
//     stored.
//   - api: callers by their tokens, for seconds, and the API's own DB.
//
// What is left needs no dropping. Deliveries in memory are fenced by their rows. That
// partitions are there is found out by whoever misses one. What is known of holds is
// asked again once a second.
func (d *Dispatcher) forget() {
	d.reroute.Store(true)
	d.DB.Forget()
	d.forgetting.Lock()
	defer d.forgetting.Unlock()
	for _, also := range d.alsoForget {
		also()
	}
}

// OnForget has also called whenever what the database holds must not be taken from
// memory any more. It must not wait for anything.
func (d *Dispatcher) OnForget(also func()) {
	d.forgetting.Lock()
	defer d.forgetting.Unlock()
	d.alsoForget = append(d.alsoForget, also)
}

// maxAgain is how often a transaction is begun anew because of a job's id.
const maxAgain = 5

// jobTaken reports whether a transaction that ended with err is to be done over: the id
// of a job was taken. Then none is taken from the reserve, and the next ones are
// beyond all that are in use.
func (d *Dispatcher) jobTaken(ctx context.Context, err error, try int) bool {
	if !postgres.IsJobTaken(err) || try >= maxAgain {
		return false
	}
	d.forget()
	d.Log.WarnContext(ctx, "ids of jobs were taken", "error", err)
	return d.DB.SkipJobIDs(ctx) == nil
}

// inTx is [postgres.DB.InTx], done over where the id of a job was taken. fn must not
// mind being called again.
func (d *Dispatcher) inTx(ctx context.Context, fn func(*postgres.Tx) error) error {
	for try := 1; ; try++ {
		err := d.DB.InTx(ctx, fn)
		if d.jobTaken(ctx, err, try) {
			continue
		}
		if postgres.IsJobTaken(err) {
			err = errors.Join(ErrUnavailable, err)
		}
		return err
	}
}
