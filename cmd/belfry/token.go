package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"belfry/internal/access"
	"belfry/internal/postgres"
)

type tokenCommand struct {
	Create tokenCreate `cmd:"" help:"Make a token and print it, once."`
	List   tokenList   `cmd:"" help:"List tokens, without what they are."`
	Revoke tokenRevoke `cmd:"" help:"End a token and the sessions it opened."`
}

type tokenCreate struct {
	database `embed:""`
	Name     string   `arg:"" help:"What the token is for; shown wherever it acts."`
	Scope    []string `help:"ingest, read, operate or admin; several are allowed." required:"" placeholder:"SCOPE"`
}

func (c *tokenCreate) Run(ctx context.Context, to streams) error {
	for field, message := range access.CheckToken(c.Name, c.Scope) {
		return fmt.Errorf("%s %s", field, message)
	}
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	token, hash := access.NewToken()
	t := access.Token{ID: uuid.Must(uuid.NewV7()), Name: strings.TrimSpace(c.Name), CreatedAt: time.Now(), CreatedBy: tokenActor}
	for _, s := range c.Scope {
		t.Scopes = append(t.Scopes, access.Scope(s))
	}
	err = db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.InsertToken(ctx, t, hash); err != nil {
			return err
		}
		return auditToken(ctx, tx, "token.create", t)
	})
	if errors.Is(err, postgres.ErrTokenName) {
		return errors.New("name is that of another token, which is valid; `belfry token list` shows them")
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(to.out, token)
	return err
}

type tokenList struct {
	database `embed:""`
}

func (c *tokenList) Run(ctx context.Context, to streams) error {
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	tokens, err := db.Tokens(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(to.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSCOPES\tCREATED\tLAST USED\tREVOKED")
	for _, t := range tokens {
		fmt.Fprintf(table, "%s\t%s\t%v\t%s\t%s\t%s\n", t.ID, t.Name, t.Scopes, when(t.CreatedAt), when(t.LastUsedAt), when(t.RevokedAt))
	}
	return table.Flush()
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

type tokenRevoke struct {
	database `embed:""`
	ID       string `arg:"" help:"The token's id, as token list shows it."`
	Cascade  bool   `help:"Revoke the tokens that it made, too."`
}

func (c *tokenRevoke) Run(ctx context.Context, to streams) error {
	id, err := uuid.Parse(c.ID)
	if err != nil {
		return errors.New("the id is not one of a token; `belfry token list` shows them")
	}
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var done postgres.Revocation
	err = db.InTx(ctx, func(tx *postgres.Tx) error {
		revoke := tx.RevokeToken
		if c.Cascade {
			revoke = tx.RevokeTokenAndCreated
		}
		if done, err = revoke(ctx, id, time.Now()); err != nil {
			return err
		}
		return auditRevocation(ctx, tx, done)
	})
	if errors.Is(err, postgres.ErrNotFound) {
		return errors.New("no token has this id; `belfry token list` shows them")
	}
	if err != nil {
		return err
	}
	return printRevocation(to.out, done)
}

func auditRevocation(ctx context.Context, tx *postgres.Tx, r postgres.Revocation) error {
	if r.Changed {
		if err := auditToken(ctx, tx, "token.revoke", r.Token); err != nil {
			return err
		}
	}
	for _, t := range r.Created {
		if t.RevokedAt.IsZero() {
			continue
		}
		if err := auditToken(ctx, tx, "token.revoke", t); err != nil {
			return err
		}
	}
	return nil
}

func printRevocation(out io.Writer, r postgres.Revocation) error {
	if _, err := fmt.Fprintf(out, "%s is revoked; running servers forget it within 5 seconds\n", r.Token.Name); err != nil {
		return err
	}
	for _, t := range r.Created {
		what := "is revoked too, which it made"
		if t.RevokedAt.IsZero() {
			what = "goes on: it made this one; --cascade revokes it too"
		}
		if _, err := fmt.Fprintf(out, "%s (%s) %s\n", t.Name, t.ID, what); err != nil {
			return err
		}
	}
	return nil
}

// tokenActor stands in the audit log for whoever ran the command.
const tokenActor = "belfry token"

func auditToken(ctx context.Context, tx *postgres.Tx, action string, t access.Token) error {
	return tx.Audit(ctx, postgres.Entry{
		At: time.Now(), Actor: tokenActor, Action: action, SubjectType: "token", SubjectID: t.ID.String(),
		Detail: map[string]any{"name": t.Name, "scopes": t.Scopes},
	})
}
