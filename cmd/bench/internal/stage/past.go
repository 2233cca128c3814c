package stage

import (
	"context"
	"fmt"

	"belfry/cmd/bench/internal/calls"
	"belfry/cmd/bench/internal/past"
)

// Past is a database with the alerts of the last weeks, which several rounds play
// on: to fill it takes longer than to play.
type Past struct {
	Old      calls.Destination // one of those that the old alerts went to
	Attempts int               // stored
	url      string
}

// pastDays is how far back a past goes.
const pastDays = 25

// BuildOnPast is Build on a database with so many old alerts, each with two
// deliveries and five attempts on average. It is filled when it is first asked for.
func (b *Bench) BuildOnPast(ctx context.Context, alerts, listeners int) (*Stage, *Past, error) {
	// Two programs may have two schemas.
	name := fmt.Sprintf("bench_past_%d_%s", alerts, b.emptyName())
	p := b.pasts[name]
	if p == nil {
		var err error
		if p, err = b.fill(ctx, name, alerts); err != nil {
			return nil, nil, err
		}
	}
	s, err := b.buildOn(ctx, &Stage{Bench: b, name: name, keep: true, Database: p.url}, listeners)
	if err != nil {
		return nil, nil, err
	}
	return s, p, b.Cluster.Checkpoint(ctx)
}

// emptyName is the name of the program's empty database, or what it will be.
func (b *Bench) emptyName() string {
	if name := b.migrated[b.Program]; name != "" {
		return name
	}
	return fmt.Sprintf("bench_empty_%d", len(b.migrated)+1)
}

func (b *Bench) fill(ctx context.Context, name string, alerts int) (p *Past, err error) {
	p = &Past{Attempts: past.AttemptsOf(alerts)}
	if p.url, err = b.create(ctx, name); err != nil {
		return nil, err
	}
	b.pasts[name] = p // from now on it is to be dropped
	defer func() {
		if err != nil {
			delete(b.pasts, name)
			_ = b.Cluster.Drop(context.WithoutCancel(ctx), name) // what went wrong before matters more
		}
	}()
	s, err := b.buildOn(ctx, &Stage{Bench: b, name: name, keep: true, Database: p.url}, 1)
	if err != nil {
		return nil, err
	}
	for n := range past.Destinations {
		if p.Old, err = s.Make(ctx, s.Host(0), "ok", 100+n, "Bench.Old."+fmt.Sprint(n)); err != nil {
			break
		}
	}
	if closed := s.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	return p, past.Seed(ctx, p.url, alerts, pastDays, b.Progress)
}
