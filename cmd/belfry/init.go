package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"belfry/internal/access"
	"belfry/internal/api"
	"belfry/internal/postgres"
	"belfry/internal/secret"
	"belfry/migrations"
)

// What init makes in its directory.
const (
	keysetFile     = "keyset.json"
	adminTokenFile = "admin-token"
)

type initCommand struct {
	database  `embed:""`
	atStart   `embed:""`
	Dir       string `help:"Directory of the sealing key (keyset.json) and the admin token (admin-token)." type:"path" required:"" placeholder:"DIR"`
	PublicURL string `help:"URL under which people will reach the server." env:"BELFRY_PUBLIC_URL" default:"http://127.0.0.1:8080" placeholder:"URL"`
	ShowToken bool   `help:"Print the admin token and do nothing else."`
}

// Run makes what is missing, replaces nothing, and says how to sign in. It is
// for containers: run it to its end before each start of serve.
func (c *initCommand) Run(ctx context.Context, to streams) error {
	tokens := config{AdminTokenFile: filepath.Join(c.Dir, adminTokenFile)}
	if c.ShowToken {
		token, err := tokens.adminToken()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(to.out, token)
		return err
	}
	publicURL, err := config{PublicURL: c.PublicURL}.publicURL()
	if err != nil {
		return fmt.Errorf("BELFRY_PUBLIC_URL: %w", err)
	}
	db, err := c.reach(ctx, c.DatabaseWait, to)
	if err != nil {
		return err
	}
	defer db.Close()
	done, err := migrations.Up(ctx, db.Pool(), to.tell)
	if err := allowNewer(to, err); err != nil {
		return err
	}
	fmt.Fprintf(to.out, "database: every migration is applied, %d of them now\n", len(done))
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	if err := c.sealingKey(ctx, to.out); err != nil {
		return err
	}
	token, _ := access.NewToken()
	made, err := writeNew(tokens.AdminTokenFile, token)
	if err != nil {
		return fmt.Errorf("write admin token: %w", err)
	}
	if _, err := tokens.adminToken(); err != nil {
		return fmt.Errorf("%s cannot be used: %w", tokens.AdminTokenFile, err)
	}
	fmt.Fprintf(to.out, "admin token: %s is %s\n", tokens.AdminTokenFile, madeOrKept(made))
	return c.signIn(ctx, to.out, db, publicURL, made)
}

func madeOrKept(made bool) string {
	if made {
		return "new"
	}
	return "there already"
}

// sealingKey makes the key if it is missing, and proves that it is the one that
// the database is sealed with. A key that was lost is not papered over with a
// new one: nothing sealed would ever open again, and nobody would be told.
func (c *initCommand) sealingKey(ctx context.Context, out io.Writer) error {
	file := filepath.Join(c.Dir, keysetFile)
	keyset, err := secret.NewKeyset()
	if err != nil {
		return err
	}
	made, err := writeNew(file, keyset)
	if err != nil {
		return fmt.Errorf("write sealing key: %w", err)
	}
	err = c.checkKey(ctx, file)
	missing := postgres.MissingKeys(nil)
	wrong := errors.As(err, &missing) || errors.Is(err, secret.ErrSealed)
	switch {
	case wrong && made:
		return errors.Join(fmt.Errorf("the database is sealed with a key that is not in %[1]s: put %[2]s back from its backup (`belfry keygen --import %[1]s/%[2]s < the copy`). "+
			"No new key was made: with one, the stored destinations could never be opened again. "+
			"If the key is lost for good, make one with `belfry keygen --out`, and give up what the lost one sealed: `belfry reseal --give-up-lost-keys`", c.Dir, keysetFile), os.Remove(file))
	case wrong:
		return fmt.Errorf("%s is not the key that the database is sealed with: put the right one there, from its backup (%w)", file, err)
	case err != nil:
		return err
	}
	fmt.Fprintf(out, "sealing key: %s is %s; keep a copy elsewhere, because nothing sealed opens without it\n", file, madeOrKept(made))
	return nil
}

// checkKey opens the database's sealed canary with the key in a file, or seals
// one in a database that has none.
func (c *initCommand) checkKey(ctx context.Context, file string) error {
	keyset, err := sealing{KeysetFile: file}.read()
	if err != nil {
		return err
	}
	box, err := secret.NewBox(keyset)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	address, err := c.url()
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, postgres.Options{URL: address, MaxConns: 1, Name: "belfry init", Box: box})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.CheckKey(ctx)
}

// signIn says how. This goes to a container's log, where a token would stay for
// as long as the container: so it gets a link that works once and for a short
// time, and only when the token is new.
func (c *initCommand) signIn(ctx context.Context, out io.Writer, db *postgres.DB, publicURL string, first bool) error {
	if first {
		code, hash := access.NewCode()
		err := db.InsertCode(ctx, hash, access.Caller{
			Name: "belfry init", Scopes: []access.Scope{access.Admin}, ExpiresAt: time.Now().Add(api.SignInLinkFor),
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\nSign in, as soon as Belfry runs (works once, within %.0f minutes):\n  %s/sign-in?code=%s\n",
			api.SignInLinkFor.Minutes(), publicURL, code)
	}
	show := "init --dir " + c.Dir + " --show-token"
	fmt.Fprintf(out, "\nSign in at any time, or call the API, with the admin token:\n  %s/sign-in\n"+
		"This prints the token:\n  belfry %s\nand with Docker Compose:\n  docker compose exec belfry /belfry %s\n\n", publicURL, show, show)
	return nil
}
