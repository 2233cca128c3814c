package stage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"belfry/cmd/bench/internal/database"
)

// Bench is what the scenarios of a run have in common.
type Bench struct {
	scale    float64
	Soak     time.Duration
	Program  string // the one measured
	Dir      string // temporary
	Cluster  *database.Cluster
	keyset   string
	token    string
	Progress io.Writer

	Limits  Limits  // measured so far
	Maximum float64 // deliveries a second, as single measured them
}

// Limits are what this machine can do at most, in the same run: deliveries a
// second, 0 where not measured.
type Limits struct {
	Post, Insert, River float64
}

// Options are what a run is made with.
type Options struct {
	Scale       float64
	Soak        time.Duration
	Program     string
	DatabaseURL string // "" for a private Postgres
	Dir         string // where a temporary directory is made; "" for the usual place
	Progress    io.Writer
}

// Open makes what all scenarios need.
func Open(ctx context.Context, o Options) (b *Bench, err error) {
	b = &Bench{scale: o.Scale, Soak: o.Soak, token: rand.Text() + rand.Text(), Progress: o.Progress}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if b.Program, err = CheckProgram(o.Program); err != nil {
		return b, err
	}
	if b.Dir, err = os.MkdirTemp(o.Dir, "belfry-bench-"); err != nil {
		return b, fmt.Errorf("make directory: %w", err)
	}
	// As root, Postgres runs as another user, who must be able to come in.
	if err := os.Chmod(b.Dir, 0o711); err != nil {
		return b, fmt.Errorf("open directory: %w", err)
	}
	if b.Cluster, err = database.Open(ctx, o.DatabaseURL, b.Dir); err != nil {
		return b, err
	}
	b.keyset, err = b.BelfryOnce(ctx, nil, "keygen")
	return b, err
}

// Close ends and removes what Open made.
func (b *Bench) Close() error {
	var errs []error
	if b.Cluster != nil {
		errs = append(errs, b.Cluster.Close())
	}
	if b.Dir != "" {
		errs = append(errs, os.RemoveAll(b.Dir))
	}
	return errors.Join(errs...)
}

// Scaled is how many of n there are at this scale.
func (b *Bench) Scaled(n int) int { return max(1, int(float64(n)*b.scale)) }

// During is how long d takes at this scale.
func (b *Bench) During(d time.Duration) time.Duration { return time.Duration(float64(d) * b.scale) }
