package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"belfry/internal/postgres"
)

const (
	// maxTakenAgain is how often a transaction is begun anew because of a job's id.
	maxTakenAgain = 5

	// maxOperatorTxs is how many transactions that people asked for may run at a time.
	// Each has a connection of the dispatcher, and may wait for a row that somebody else
	// has locked.
	maxOperatorTxs = 3

	// operatorWait is how long such a transaction waits for its turn.
	operatorWait = 5 * time.Second
)

// ErrOperatorBusy is returned when as many transactions as may run for people do so
// already: nothing was changed.
var ErrOperatorBusy = errors.New("too much is asked for at once")

// transactions runs transactions that make jobs.
type transactions struct {
	db        *postgres.DB
	log       *slog.Logger
	forget    func()    // drops what is kept of the database: other ids of jobs among it
	operators semaphore // one for each transaction that a person asked for
}

// inTx is [postgres.DB.InTx], repeated if the id of a job was taken. So fn may be called
// more than once.
func (t *transactions) inTx(ctx context.Context, fn func(*postgres.Tx) error) error {
	for try := 1; ; try++ {
		err := t.db.InTx(ctx, fn)
		if t.jobTaken(ctx, err, try) {
			continue
		}
		if postgres.IsJobTaken(err) {
			err = errors.Join(ErrUnavailable, err)
		}
		return err
	}
}

// jobTaken reports whether a transaction that ended with err is to be repeated, because the
// id of a job was taken. If so, it has dropped the block of job ids, and the next ids are
// beyond all that are in use.
func (t *transactions) jobTaken(ctx context.Context, err error, try int) bool {
	if !postgres.IsJobTaken(err) || try >= maxTakenAgain {
		return false
	}
	t.forget()
	t.log.WarnContext(ctx, "ids of jobs were taken", "error", err)
	return t.db.SkipJobIDs(ctx) == nil
}

// operatorTx is inTx for what a person asks for. Alerts and records must never wait for a
// connection that people have. So people get few connections, and wait in turn.
func (t *transactions) operatorTx(ctx context.Context, fn func(*postgres.Tx) error) error {
	soon, cancel := context.WithTimeout(ctx, operatorWait)
	defer cancel()
	if !t.operators.take(soon) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for a connection: %w", err) // the caller left
		}
		return ErrOperatorBusy
	}
	defer t.operators.free()
	return t.inTx(ctx, fn)
}
