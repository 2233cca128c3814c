package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"belfry/internal/api"
	"belfry/internal/dispatch"
	"belfry/internal/inbound"
	"belfry/internal/outbound"
	"belfry/internal/postgres"
	"belfry/internal/secret"
	"belfry/migrations"
	"belfry/web"
)

// Connections: of their own for the dispatcher, so that readers cannot starve it.
const (
	dispatchConns = 12
	apiConns      = 10
)

type serveCommand struct {
	config   `embed:""`
	sealing  `embed:""`
	database `embed:""`
	atStart  `embed:""`
}

// Run serves until ctx ends. It refuses to start half-configured.
func (c *serveCommand) Run(ctx context.Context, to streams) error {
	p, err := c.parse()
	address, errURL := c.url()
	_, errKey := c.read()
	if err := errors.Join(err, errURL, errKey); err != nil {
		return err
	}
	db, err := c.reach(ctx, c.DatabaseWait, to)
	if err != nil {
		return err
	}
	db.Close()
	return serve(ctx, instance{parsed: p, databaseURL: address, keyset: c.read, log: c.logger(to.err)})
}

// instance is everything that a server needs to run.
type instance struct {
	parsed
	databaseURL string
	keyset      func() (string, error) // which may be rotated
	log         *slog.Logger

	alone bool // nobody else uses the database

	// ready is called when the server answers, with its public URL.
	ready func(context.Context, *postgres.DB, string) error
}

// serve opens the database, checks it, and runs until ctx ends.
func serve(ctx context.Context, in instance) error {
	defer inBackground(ctx, tuneMemory)()
	box, err := secret.NewBoxFrom(in.keyset)
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, postgres.Options{
		URL: in.databaseURL, MaxConns: dispatchConns, Name: "belfry dispatch", Box: box, ByKey: true,
		Timeout: 2 * time.Minute, // longer than a reindex of River's may take
	})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := checkDatabase(ctx, db, in.log); err != nil {
		return err
	}
	readers, err := postgres.Open(ctx, postgres.Options{
		URL: in.databaseURL, MaxConns: apiConns, Name: "belfry api", Box: box, Timeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	defer readers.Close()

	listener, err := net.Listen("tcp", in.Listen)
	if err != nil {
		return fmt.Errorf("listen on BELFRY_LISTEN: %w", err)
	}
	if in.PublicURL == "http://"+in.Listen && strings.HasSuffix(in.Listen, ":0") {
		in.PublicURL = "http://" + listener.Addr().String() // the port was left to the system
	}
	client := in.client()
	defer client.Close()
	registry := prometheus.NewRegistry()
	goRuntime := collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsGC, collectors.MetricsScheduler))
	registry.MustRegister(goRuntime, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	dispatcher, err := in.dispatcher(db, client, registry)
	if err != nil {
		return err
	}
	if err := dispatcher.Start(ctx); err != nil {
		return fmt.Errorf("start dispatching: %w", err)
	}
	failures := api.NewFailures(readers, in.log, registry, time.Now)
	defer inBackground(ctx, failures.Run)()
	schema := schema{db: readers, log: in.log}
	defer inBackground(ctx, schema.run)()
	handler := drainHandler{workerOnly: !slices.Contains(in.Roles, "api")}
	handler.Handler = api.New(api.Config{
		DB: readers, Dispatcher: dispatcher, Log: in.log, Metrics: registry, Now: time.Now, PublicURL: in.PublicURL,
		AdminToken: in.AdminToken, OpenMetrics: in.OpenMetrics, Draining: handler.draining.Load, Missing: schema.missing, Proxies: in.proxies, SessionLength: in.SessionLength,
		SessionIdle: in.SessionIdle, Failures: failures, Facts: in.facts(), Console: web.Console(),
	})
	return in.run(ctx, in.limited(listener, registry), &handler, dispatcher, readers)
}

// dispatcher is the engine, not started yet.
func (in instance) dispatcher(db *postgres.DB, client *outbound.Client, metrics prometheus.Registerer) (*dispatch.Dispatcher, error) {
	newest, err := migrations.Newest()
	if err != nil {
		return nil, err
	}
	return dispatch.New(dispatch.Config{
		DB: db, Client: client, Log: in.log, Metrics: metrics, Now: time.Now, Waits: in.waits, Workers: in.Workers,
		Roles: in.Roles, AttemptTimeout: in.AttemptTimeout, FailingMaxAge: in.FailingMaxAge,
		Retention: in.Retention, AuditRetention: in.AuditRetention, Version: thisBuild().Version, Schema: newest, Alone: in.alone,
		Link: func(alertID string) string { return in.PublicURL + "/alerts/" + url.PathEscape(alertID) },
	})
}

// inBackground runs a function until the one that it returns is called, which waits
// for its end.
func inBackground(ctx context.Context, fn func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// client is the one client to the outside.
func (in instance) client() *outbound.Client {
	return outbound.New(outbound.Options{
		Allow: in.allow, Timeout: in.AttemptTimeout, UserAgent: "Belfry/" + thisBuild().Version, Proxy: in.proxy,
		MaxInFlight: in.Workers,
	})
}

// facts are the settings that people may see.
func (in instance) facts() api.Facts {
	b := thisBuild()
	return api.Facts{
		Version: b.Version, Commit: b.Commit, BuildDate: b.Date, StartedAt: time.Now(), Retention: in.Retention, RetryWaits: in.waits,
		AttemptTimeout: in.AttemptTimeout, AllowedNetworks: in.allow, FailingMaxAge: in.FailingMaxAge,
	}
}

// run answers requests until ctx ends, and then stops in order: requests in flight,
// attempts in flight, their records. Until these are done it still answers, so that
// health checks see that this replica is stopping, and producers are told to try again.
func (in instance) run(ctx context.Context, listener *inbound.Listener, handler *drainHandler, dispatcher *dispatch.Dispatcher, db *postgres.DB) error {
	server := in.server(handler, listener)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	in.log.InfoContext(ctx, "serving", "address", listener.Addr().String(), "version", thisBuild().Version, "commit", thisBuild().Commit,
		"workers", in.Workers, "retry_waits", in.waits.String(), "egress_allow", fmt.Sprint(in.allow))

	var err error
	if in.ready != nil {
		err = in.ready(ctx, db, in.PublicURL)
	}
	if err == nil {
		select {
		case err = <-failed:
		case <-ctx.Done():
		}
	}
	in.log.InfoContext(ctx, "stopping", "drain_timeout", in.DrainTimeout.String())
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.DrainTimeout)
	defer cancel()
	// A slow request may not use up the time of the attempts in flight.
	handler.drain(drain, min(in.DrainTimeout/2, 5*time.Second))
	err = errors.Join(err, dispatcher.Stop(drain))
	in.closeServer(context.WithoutCancel(ctx), server)
	in.log.InfoContext(ctx, "stopped")
	return err
}

// lastAnswers is how long a stop waits, when all else is done, for requests that
// are still being answered.
const lastAnswers = time.Second

func (in instance) closeServer(ctx context.Context, server *http.Server) {
	last, cancel := context.WithTimeout(ctx, lastAnswers)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		in.log.WarnContext(ctx, "requests cut short by the stop", "error", err)
		server.Close() //nolint:errcheck // the process ends
	}
}

// checkDatabase refuses a database that this program would damage or could not
// use, and says what to do.
func checkDatabase(ctx context.Context, db *postgres.DB, log *slog.Logger) error {
	steps, err := migrations.Status(ctx, db.Pool())
	if err != nil {
		return err
	}
	pending := 0
	for _, s := range steps {
		if !s.Applied {
			pending++
		}
	}
	if pending > 0 {
		return fmt.Errorf("the database lacks %d of %d migrations: run `belfry migrate up` with the same DATABASE_URL", pending, len(steps))
	}
	if err := migrations.Newer(steps); err != nil {
		log.WarnContext(ctx, "database is newer", "error", err) // which the version before may use
	}
	return checkKey(ctx, db)
}
