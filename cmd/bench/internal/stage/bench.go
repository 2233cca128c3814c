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
	"belfry/cmd/bench/internal/receive"
)

// Bench is what the scenarios of a run have in common.
type Bench struct {
	scale    float64
	Soak     time.Duration
	Program  string // the one measured
	Dir      string // temporary
	Cluster  *database.Cluster
	Identity receive.Identity // of receivers with TLS
	keyset   string
	token    string
	Progress io.Writer

	Round   int     // that is played, from 1
	Maximum float64 // deliveries a second, as single measured them last

	migrated map[string]string // empty databases, by the program that migrated them
	pasts    map[string]*Past  // databases with a past, by their name
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
	b = &Bench{
		scale: o.Scale, Soak: o.Soak, token: rand.Text() + rand.Text(), Progress: o.Progress, Round: 1,
		migrated: map[string]string{}, pasts: map[string]*Past{},
	}
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
	if b.Identity, err = receive.NewIdentity(b.Dir); err != nil {
		return b, err
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
		errs = append(errs, b.dropKept(), b.Cluster.Close())
	}
	if b.Dir != "" {
		errs = append(errs, os.RemoveAll(b.Dir))
	}
	return errors.Join(errs...)
}

// dropKept removes the databases that outlive a scenario. The run may have been
// broken off; they are to go all the same.
func (b *Bench) dropKept() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var errs []error
	for _, name := range b.migrated {
		errs = append(errs, b.Cluster.Drop(ctx, name))
	}
	for name := range b.pasts {
		errs = append(errs, b.Cluster.Drop(ctx, name))
	}
	return errors.Join(errs...)
}

// create makes an empty database that the program under test has migrated, and
// returns its URL. The program does that once: what comes after is a copy.
func (b *Bench) create(ctx context.Context, name string) (string, error) {
	empty := b.migrated[b.Program]
	if empty == "" {
		empty = fmt.Sprintf("bench_empty_%d", len(b.migrated)+1)
		url, err := b.Cluster.Create(ctx, empty, "")
		if err != nil {
			return "", err
		}
		b.migrated[b.Program] = empty
		if _, err := b.BelfryOnce(ctx, []string{"DATABASE_URL=" + url}, "migrate", "up"); err != nil {
			return "", err
		}
	}
	return b.Cluster.Create(ctx, name, empty)
}

// Scaled is how many of n there are at this scale.
func (b *Bench) Scaled(n int) int { return max(1, int(float64(n)*b.scale)) }

// QuickScale is what a quick run is scaled by.
const QuickScale = 0.25

// Fixed is n where n is what a scenario is about, in a quick run too; only at a
// smaller scale, to try, there are fewer.
func (b *Bench) Fixed(n int) int {
	if b.scale >= QuickScale {
		return n
	}
	return b.Scaled(n)
}

// During is how long d takes at this scale.
func (b *Bench) During(d time.Duration) time.Duration { return time.Duration(float64(d) * b.scale) }
