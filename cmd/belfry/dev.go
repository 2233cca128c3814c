package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"belfry/internal/access"
	"belfry/internal/api"
	"belfry/internal/devpg"
	"belfry/internal/postgres"
	"belfry/internal/secret"
	"belfry/migrations"
)

type devCommand struct {
	config   `embed:""`
	database `embed:""`
	DataDir  string `help:"Directory for the private Postgres and the sealing key. Default: .belfry here, or /var/lib/belfry where its user cannot reach that." env:"BELFRY_DATA_DIR" type:"path" placeholder:"DIR"`
}

// Run serves on a private Postgres, which it starts, unless DATABASE_URL names
// one. Loopback may be reached, and nobody else can be alive on the private
// database.
func (c *devCommand) Run(ctx context.Context, to streams) error {
	if c.LogFormat == "json" {
		c.LogFormat = "text" // for eyes
	}
	p, err := c.parse()
	if err != nil {
		return err
	}
	log := c.logger(to.err)
	dir, err := c.dir()
	if err != nil {
		return err
	}
	keyset, err := devKeyset(dir)
	if err != nil {
		return err
	}
	address, err := c.given()
	if err != nil {
		return err
	}
	in := instance{parsed: p, keyset: keyset, log: log, databaseURL: address}
	in.allow = append(in.allow, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))

	// The database outlives ctx: attempts in flight are still to be recorded.
	if address == "" {
		server, err := devpg.Start(ctx, devpg.Options{Dir: filepath.Join(dir, "postgres"), Log: log})
		if err != nil {
			return err
		}
		defer server.Stop() //nolint:errcheck // it logs what went wrong itself
		in.databaseURL, in.alone = server.DSN("belfry"), true
		stopping, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go func() {
			select {
			case <-server.Exited():
				cancel(errors.New("postgres ended"))
			case <-stopping.Done():
			}
		}()
		ctx = stopping
	}
	if err := devMigrate(ctx, to, in); err != nil {
		return err
	}
	in.ready = func(ctx context.Context, db *postgres.DB, publicURL string) error {
		in.PublicURL = publicURL
		return welcome(ctx, to, in, db)
	}
	err = serve(ctx, in)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// dir returns the data directory, made if need be.
func (c *devCommand) dir() (string, error) {
	dir := c.DataDir
	if dir == "" {
		dir = ".belfry"
		if os.Geteuid() == 0 && !reachable() {
			dir = "/var/lib/belfry"
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find data directory: %w", err)
	}
	// Others may pass through, for the user that Postgres runs as; what is inside
	// is private.
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return "", fmt.Errorf("make data directory (BELFRY_DATA_DIR moves it): %w", err)
	}
	return dir, nil
}

// reachable reports whether an ordinary user, as whom root runs Postgres, can
// come to the working directory.
func reachable() bool {
	dir, err := os.Getwd()
	for err == nil {
		info, statErr := os.Stat(dir)
		if statErr != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
	return false
}

// devKeyset returns how to read the sealing key of a data directory, made on the
// first start.
func devKeyset(dir string) (func() (string, error), error) {
	file := filepath.Join(dir, keysetFile)
	keyset, err := secret.NewKeyset()
	if err != nil {
		return nil, err
	}
	if _, err := writeNew(file, keyset); err != nil {
		return nil, fmt.Errorf("write sealing key: %w", err)
	}
	return sealing{KeysetFile: file}.read, nil
}

func devMigrate(ctx context.Context, to streams, in instance) error {
	db, err := postgres.Open(ctx, postgres.Options{URL: in.databaseURL, MaxConns: 4, Name: "belfry dev"})
	if err != nil {
		return err
	}
	defer db.Close()
	up := migrations.Up
	if in.alone { // a heartbeat that is there is of a process that was killed
		up = migrations.UpRegardless
	}
	_, err = up(ctx, db.Pool(), to.tell)
	return allowNewer(to, err)
}

// firstToken makes an admin token in a database without any, and returns "" in
// another. It is made only when it can be shown.
func firstToken(ctx context.Context, in instance, db *postgres.DB) (string, error) {
	tokens, err := db.Tokens(ctx)
	if err != nil || len(tokens) > 0 || in.AdminToken != "" {
		return "", err
	}
	token, hash := access.NewToken()
	return token, db.InsertToken(ctx, access.Token{
		ID: uuid.Must(uuid.NewV7()), Name: "first admin", Scopes: []access.Scope{access.Admin}, CreatedAt: time.Now(), CreatedBy: "belfry dev",
	}, hash)
}

// welcome says where the server is and how to use it, with a fresh sign-in link.
func welcome(ctx context.Context, to streams, in instance, db *postgres.DB) error {
	token, err := firstToken(ctx, in, db)
	if err != nil {
		return err
	}
	code, hash := access.NewCode()
	err = db.InsertCode(ctx, hash, access.Caller{
		Name: "belfry dev", Scopes: []access.Scope{access.Admin}, ExpiresAt: time.Now().Add(api.SignInLinkFor),
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(to.out, "\nBelfry is ready: %s\n\n", in.PublicURL)
	fmt.Fprintf(to.out, "  Sign in   %s/sign-in?code=%s\n            (works once, within %s)\n", in.PublicURL, code, api.SignInLinkFor)
	fmt.Fprintf(to.out, "  API docs  %s/docs\n", in.PublicURL)
	shown := "<your token>"
	switch {
	case token != "":
		shown = token
		fmt.Fprintf(to.out, "  Token     %s\n            (admin; shown this once; POST /api/v1/tokens makes more)\n", token)
	case in.AdminToken != "":
		shown = "$BELFRY_ADMIN_TOKEN"
	}
	fmt.Fprintf(to.out, "  Call it   curl -H \"Authorization: Bearer %s\" %s/api/v1/destinations\n", shown, in.PublicURL)
	fmt.Fprint(to.out, "  Receive   belfry receive        (a receiver on http://127.0.0.1:8081)\n\n")
	fmt.Fprint(to.out, "This is for trying out: destinations on this machine (loopback) may be reached.\n")
	if host, _, err := net.SplitHostPort(in.Listen); err == nil && host != "127.0.0.1" && host != "localhost" && host != "::1" {
		fmt.Fprintf(to.out, "It listens on %s, so others can reach it too.\n", in.Listen)
	}
	fmt.Fprintln(to.out)
	return nil
}
