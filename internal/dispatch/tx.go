package dispatch

import (
	"context"
	"errors"

	"belfry/internal/postgres"
)

// maxAgain is how often a transaction is begun anew because of a job's id.
const maxAgain = 5

// jobTaken reports whether a transaction that ended with err is to be done over: the id
// of a job was taken. Then none is taken from the reserve, and the next ones are
// beyond all that are in use.
func (d *Dispatcher) jobTaken(ctx context.Context, err error, try int) bool {
	if !postgres.IsJobTaken(err) || try >= maxAgain {
		return false
	}
	d.Cluster.Forget()
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
