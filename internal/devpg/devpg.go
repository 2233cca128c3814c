// Package devpg runs a private Postgres for `belfry dev` and for tests. The
// server is a child of this process: it listens on a Unix socket only, keeps
// its data in one directory, and ends when the process ends, however it ends.
package devpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// Options says where the server keeps its data and how it runs.
type Options struct {
	// Dir is the root of everything the server keeps. It and the directories
	// above it are made when missing, private to the user Belfry runs as; as
	// root they are made so that others may pass through but not look, because
	// Postgres then runs as an ordinary user. It holds pg<major>/ (the data),
	// run/ (the socket), lock and postgres.log.
	Dir string

	// Cache keeps downloaded binaries. The default is the directory belfry in
	// os.UserCacheDir. As root, a cache that the user Postgres runs as cannot
	// reach is replaced by /var/cache/belfry.
	Cache string

	// Bin is a directory that holds postgres and initdb, and the only one
	// considered. When empty they are searched for, in $POSTGRES_BIN first.
	Bin string

	// NoSync trades the safety of the data for speed. It is for tests only.
	NoSync bool

	// Log is told what happens; nil means nobody is.
	Log *slog.Logger
}

// Start starts the server and returns when it answers queries. On the first
// start it makes the data directory and the database "belfry" in it. It may
// download Postgres, which takes some seconds; ctx bounds all of the start, and
// nothing after it: only Stop, or the end of this process, ends the server.
//
// Data of another major version than the binaries found is an error that says
// what to install. Start never deletes or converts data.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := makeDir(o.Dir); err != nil {
		return nil, err
	}
	lock, err := acquire(o.Dir)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, o)
	if err != nil {
		err = fmt.Errorf("start private postgres in %s: %w", o.Dir, err)
		return nil, errors.Join(err, lock.release())
	}
	s.lock = lock
	return s, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("start private postgres: no directory given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("start private postgres: %w", err)
	}
	o.Dir = dir
	if o.Cache == "" {
		// Without a home directory there is no cache; only a download misses it.
		if user, err := os.UserCacheDir(); err == nil {
			o.Cache = filepath.Join(user, "belfry")
		}
	} else if o.Cache, err = filepath.Abs(o.Cache); err != nil {
		return o, fmt.Errorf("start private postgres: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// start is Start once the directory is ours.
func start(ctx context.Context, o Options) (*Server, error) {
	existing, err := dataDirs(o.Dir)
	if err != nil {
		return nil, err
	}
	acct, err := chooseAccount(existing)
	if err != nil {
		return nil, err
	}
	f := finder{bin: o.Bin, cache: acct.cache(o.Cache), acct: acct, existing: existing, log: o.Log}
	bin, err := f.find(ctx)
	if err != nil {
		return nil, err
	}
	if err := acct.reach(ctx, bin, o.Dir); err != nil {
		return nil, err
	}
	socket, err := socketDir(o.Dir, acct)
	if err != nil {
		return nil, err
	}
	c := &cluster{
		root: o.Dir, data: filepath.Join(o.Dir, "pg"+bin.major), socket: socket,
		bin: bin, acct: acct, noSync: o.NoSync, log: o.Log,
	}
	if err := c.create(ctx); err != nil {
		return nil, err
	}
	p, err := c.serve(ctx)
	if err != nil {
		return nil, err
	}
	o.Log.InfoContext(ctx, "private postgres started", "dir", c.data, "version", bin.version, "bin", bin.dir)
	return &Server{cluster: c, process: p}, nil
}
