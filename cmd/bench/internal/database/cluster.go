// Package database is the Postgres that a run uses, with a database for each scenario.
package database

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/cmd/bench/internal/process"
	"belfry/internal/devpg"
)

// Cluster is the Postgres that a run uses: a private one, or one that was named.
type Cluster struct {
	private    *devpg.Server // nil when one was named
	url        string        // of a database to begin with
	admin      *pgxpool.Pool
	Postmaster int // 0 when it is not on this machine: then its CPU cannot be seen
}

// Open starts a private Postgres below dir, with the settings of `belfry
// dev` and everything synced, unless one is named.
func Open(ctx context.Context, named, dir string) (c *Cluster, err error) {
	c = &Cluster{url: named}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if named == "" {
		if c.private, err = devpg.Start(ctx, devpg.Options{Dir: filepath.Join(dir, "postgres")}); err != nil {
			return c, err
		}
		c.url = c.private.DSN("postgres")
	}
	if c.admin, err = OpenPool(ctx, c.url, 2); err != nil {
		return c, err
	}
	var backend int
	if err := c.admin.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&backend); err != nil {
		return c, fmt.Errorf("find postgres: %w", err)
	}
	if p, err := process.ReadTimes(backend); err == nil && strings.HasPrefix(p.Name, "postgres") {
		c.Postmaster = p.Parent
	}
	return c, nil
}

// OpenPool opens a database with so many connections at most.
func OpenPool(ctx context.Context, url string, conns int) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read database URL: %w", err)
	}
	cfg.MaxConns = int32(conns)
	cfg.ConnConfig.RuntimeParams["application_name"] = "bench"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}

// Close ends a private Postgres.
func (c *Cluster) Close() error {
	if c.admin != nil {
		c.admin.Close()
	}
	if c.private == nil {
		return nil
	}
	return c.private.Stop()
}

// Create makes a database, which is empty or a copy of another one that nobody is
// connected to, and returns its URL. The checkpoint keeps what an earlier scenario
// wrote from being flushed while this one is measured.
func (c *Cluster) Create(ctx context.Context, name, copied string) (string, error) {
	if err := c.Drop(ctx, name); err != nil {
		return "", err
	}
	create := "CREATE DATABASE " + pgx.Identifier{name}.Sanitize()
	if copied != "" {
		create += " TEMPLATE " + pgx.Identifier{copied}.Sanitize()
	}
	if _, err := c.admin.Exec(ctx, create); err != nil {
		return "", fmt.Errorf("create database %s: %w", name, err)
	}
	if err := c.Checkpoint(ctx); err != nil {
		return "", err
	}
	return withDatabase(c.url, name), nil
}

// Drop removes a database, whoever uses it.
func (c *Cluster) Drop(ctx context.Context, name string) error {
	if _, err := c.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

// Checkpoint has Postgres write out what it has in memory.
func (c *Cluster) Checkpoint(ctx context.Context) error {
	if _, err := c.admin.Exec(ctx, "CHECKPOINT"); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// CPU returns the CPU time of all of Postgres so far.
func (c *Cluster) CPU() (time.Duration, error) {
	if c.Postmaster == 0 {
		return 0, nil
	}
	return process.FamilyTime(c.Postmaster)
}

// Settings returns the version and what else bears on the figures.
func (c *Cluster) Settings(ctx context.Context) (version string, settings map[string]string, err error) {
	const query = `
		SELECT name, current_setting(name)
		FROM pg_settings
		WHERE name = ANY($1)`
	rows, err := c.admin.Query(ctx, query, []string{
		"server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_connections",
		"max_wal_size", "checkpoint_timeout", "wal_compression", "autovacuum_naptime",
	})
	if err != nil {
		return "", nil, fmt.Errorf("read postgres settings: %w", err)
	}
	settings = map[string]string{}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		settings[name] = value
		return nil
	})
	if err != nil {
		return "", nil, fmt.Errorf("read postgres settings: %w", err)
	}
	version = settings["server_version"]
	delete(settings, "server_version")
	return version, settings, nil
}

// withDatabase returns a connection string for another database of the same
// server. In the form of words the last of two counts.
func withDatabase(dsn, name string) string {
	if u, err := url.Parse(dsn); err == nil && strings.HasPrefix(u.Scheme, "postgres") {
		u.Path = "/" + name
		return u.String()
	}
	return dsn + " dbname='" + name + "'"
}
