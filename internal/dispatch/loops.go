package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"belfry/internal/postgres"
)

// stepTimeout ends a step, so that a connection that is dead without an error does not
// stop a loop for ever.
const stepTimeout = 5 * time.Minute

// loops runs what a process does again and again, until stop.
type loops struct {
	log     *slog.Logger
	ctx     context.Context // no caller's: it ends with the process
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func newLoops(log *slog.Logger) *loops {
	l := &loops{log: log}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// step is something that is done again and again.
type step struct {
	name  string
	every time.Duration
	wake  <-chan struct{} // nil, or when it is to be done before its time
	do    func(context.Context) error
	long  bool // it may take longer than stepTimeout, and has time limits of its own
}

// run does a step now, then once in each interval and when it is woken. It logs a failure
// that differs from the one before.
func (l *loops) run(s step) {
	l.start(func(ctx context.Context) {
		tick := time.NewTicker(s.every)
		defer tick.Stop()
		was := ""
		for {
			err := s.once(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil, errors.Is(err, postgres.ErrLocked):
				was = ""
			case err.Error() != was:
				was = err.Error()
				l.log.WarnContext(ctx, "upkeep step failed", "step", s.name, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case <-s.wake:
			}
		}
	})
}

func (s step) once(ctx context.Context) error {
	if s.long {
		return s.do(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	return s.do(ctx)
}

// start runs a loop, which is to return when its context ends.
func (l *loops) start(loop func(context.Context)) {
	l.running.Go(func() { loop(l.ctx) })
}

// stop ends all loops and waits for them.
func (l *loops) stop() {
	l.cancel()
	l.running.Wait()
}
