// Package pgtest gives each test its own migrated Postgres database, on a private
// server that lives as long as the test binary.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"belfry/internal/devpg"
	"belfry/internal/postgres"
	"belfry/internal/secret"
	"belfry/migrations"
)

// template is a migrated database to copy, which takes a tenth of the time that
// migrating takes.
const template = "template_migrated"

// server is the private Postgres of this test binary.
var server struct {
	once sync.Once
	*devpg.Server
	dir string
	err error
}

// Main runs a package's tests and then stops the server, if one was started.
// Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

// Stop stops the server, if one was started, and removes its data.
func Stop() {
	if server.Server != nil {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop test database:", err)
		}
	}
	if server.dir != "" {
		os.RemoveAll(server.dir) //nolint:errcheck // a directory for what is temporary
	}
}

func start() {
	if server.dir, server.err = os.MkdirTemp("", "belfry-test-"); server.err != nil {
		return
	}
	// The server may run as another user, who must be able to come in.
	if server.err = os.Chmod(server.dir, 0o755); server.err != nil {
		return
	}
	ctx := context.Background()
	server.Server, server.err = devpg.Start(ctx, devpg.Options{Dir: server.dir + "/pg", NoSync: true})
	if server.err != nil {
		return
	}
	if server.err = admin(ctx, "CREATE DATABASE "+template); server.err != nil {
		return
	}
	pool, err := pgxpool.New(ctx, server.DSN(template))
	if err != nil {
		server.err = err
		return
	}
	defer pool.Close()
	_, server.err = migrations.Up(ctx, pool, func(string) {})
}

// New opens an empty, migrated database that is dropped when the test ends.
func New(t testing.TB) *postgres.DB {
	t.Helper()
	return Open(t, NewURL(t))
}

// Open opens a database by its URL until the test ends.
func Open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), postgres.Options{URL: url, MaxConns: 20, Name: "test", Timeout: 30 * time.Second, Box: Box(), ByKey: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// NewURL is New for a test that opens the database itself.
func NewURL(t testing.TB) string {
	t.Helper()
	url := newDatabase(t, " TEMPLATE "+template+" STRATEGY file_copy")
	return url
}

// NewEmptyURL is NewURL without the migrations.
func NewEmptyURL(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "")
}

func newDatabase(t testing.TB, options string) string {
	t.Helper()
	server.once.Do(start)
	if server.err != nil {
		t.Fatalf("start test database: %v", server.err)
	}
	ctx := context.Background()
	name := "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := admin(ctx, "CREATE DATABASE "+name+options); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := admin(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return server.DSN(name)
}

// Outage keeps everybody else out of a database until the returned function is
// called: as far as they can tell, Postgres is away.
func Outage(t testing.TB, db *postgres.DB) (end func()) {
	t.Helper()
	ctx := context.Background()
	name := db.Pool().Config().ConnConfig.Database
	do := func(sql string) {
		if err := admin(ctx, sql); err != nil {
			t.Error(err)
		}
	}
	do("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	end = sync.OnceFunc(func() { do("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true") })
	t.Cleanup(end)
	return end
}

// Keyset seals the settings in every test database.
var Keyset = sync.OnceValue(func() string {
	keys, err := secret.NewKeyset()
	if err != nil {
		panic(err)
	}
	return keys
})

// Box is the box of Keyset.
var Box = sync.OnceValue(func() *secret.Box {
	box, err := secret.NewBox(Keyset())
	if err != nil {
		panic(err)
	}
	return box
})

var mu sync.Mutex // Postgres copies a template for one session at a time

func admin(ctx context.Context, sql string) error {
	mu.Lock()
	defer mu.Unlock()
	conn, err := pgx.Connect(ctx, server.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement has been answered
	_, err = conn.Exec(ctx, sql)
	return err
}
