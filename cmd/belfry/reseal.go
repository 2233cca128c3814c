package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"belfry/internal/postgres"
	"belfry/internal/secret"
)

type resealCommand struct {
	database `embed:""`
	sealing  `embed:""`
	GiveUp   bool `name:"give-up-lost-keys" help:"Before that, give up what is sealed with keys that are not in the keyset, because they are lost for good: the settings of these destinations must be entered again."`
}

// resealStep is how many destinations are read at a time.
const resealStep = 100

// Run seals with the newest key what older ones sealed, while servers run, and says
// which keys are still needed.
func (c *resealCommand) Run(ctx context.Context, to streams) error {
	box, err := secret.NewBoxFrom(c.read)
	if err != nil {
		return err
	}
	address, err := c.url()
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, postgres.Options{URL: address, MaxConns: 4, Name: "belfry reseal", Box: box})
	if err != nil {
		return err
	}
	defer db.Close()
	newest := box.Primary()
	// A server without the newest key could open nothing any more.
	behind, err := db.SealingOtherwise(ctx, newest)
	if err != nil {
		return err
	}
	if len(behind) > 0 {
		return errors.New(lagging(behind, newest) + "; nothing was changed")
	}
	if c.GiveUp {
		n, err := db.GiveUpLost(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(to.out, "destinations sealed with lost keys, whose settings must be entered again: %d\n", n)
	}
	// This also has servers with an older keyset refuse to start from now on.
	if err := checkKey(ctx, db); err != nil {
		return err
	}
	done, unreadable, err := resealAll(ctx, db)
	fmt.Fprintf(to.out, "destinations sealed anew with key %d: %d\n", newest, done)
	if err != nil {
		return fmt.Errorf("%w; what was done stays, run `belfry reseal` again for the rest", err)
	}
	for _, u := range unreadable {
		fmt.Fprintf(to.err, "destination %s (%q) cannot be opened and was left as it is: enter its settings again, or delete it\n", u.ID, u.DisplayName)
	}
	return report(ctx, to, db, box)
}

// resealAll goes through the destinations until nothing is left that an older key
// seals and that can be opened: one that was changed meanwhile is looked at again.
func resealAll(ctx context.Context, db *postgres.DB) (done int, unreadable []postgres.Unreadable, err error) {
	for again := true; again; {
		again, unreadable = false, nil
		for after, more := uuid.Nil, true; more; {
			step, err := db.Reseal(ctx, after, resealStep)
			done += step.Done
			if err != nil {
				return done, unreadable, err
			}
			after, more = step.Last, step.Looked == resealStep
			again = again || step.Changed > 0
			unreadable = append(unreadable, step.Unreadable...)
		}
	}
	return done, unreadable, nil
}

// report says what each key still seals, and what to do next.
func report(ctx context.Context, to streams, db *postgres.DB, box *secret.Box) error {
	uses, err := db.KeyUses(ctx)
	if err != nil {
		return err
	}
	rows := map[secret.KeyID]int64{}
	for _, u := range uses {
		rows[u.Key] = u.Rows
	}
	var needed, free []secret.KeyID
	for _, id := range box.Keys() {
		note := ""
		switch {
		case id == box.Primary():
			note = ", the newest"
		case rows[id] > 0:
			needed = append(needed, id)
		default:
			free = append(free, id)
		}
		fmt.Fprintf(to.out, "key %d%s: seals %d rows\n", id, note, rows[id])
	}
	switch {
	case len(needed) > 0:
		return fmt.Errorf("rows are left that are sealed with old keys (%s): run `belfry reseal` again when the destinations named above are mended", listed(needed))
	case len(free) > 0:
		_, err = fmt.Fprintf(to.out, "Nothing needs the old keys (%s) any more. Next: `belfry keygen --retire FILE` takes them out.\n", listed(free))
	default:
		_, err = fmt.Fprintln(to.out, "There is no old key to take out.")
	}
	return err
}

// lagging says which servers do not seal with the newest key.
func lagging(servers []postgres.Instance, newest secret.KeyID) string {
	var names []string
	for _, s := range servers {
		with := "an older version that does not say its key"
		if s.SealingKey != 0 {
			with = fmt.Sprintf("key %d", s.SealingKey)
		}
		names = append(names, fmt.Sprintf("%s (version %s, %s)", s.ID, s.Version, with))
	}
	return fmt.Sprintf("servers are running that do not seal with key %d: %s. Give them the rotated keyset: one that reads it from a file "+
		"takes it over within seconds, others when they are restarted", newest, strings.Join(names, ", "))
}

// checkKey is CheckKey, with an error that says what to do.
func checkKey(ctx context.Context, db *postgres.DB) error {
	err := db.CheckKey(ctx)
	if missing := postgres.MissingKeys(nil); errors.As(err, &missing) {
		return fmt.Errorf("this is not the sealing key that the database was sealed with: %w, which is not in the keyset. "+
			"Set BELFRY_KEYSET or BELFRY_KEYSET_FILE to the right one; nothing was changed", missing)
	}
	if errors.Is(err, secret.ErrSealed) {
		return errors.New("this is not the sealing key that the database was sealed with: set BELFRY_KEYSET or BELFRY_KEYSET_FILE to the right one; nothing was changed")
	}
	return err
}
