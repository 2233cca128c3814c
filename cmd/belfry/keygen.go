package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"belfry/internal/postgres"
	"belfry/internal/secret"
)

type keygenCommand struct {
	database `embed:""`
	Out      string `help:"Write a new key to this file, which must not exist yet, readable by its owner only. Default: print it." type:"path" placeholder:"FILE" xor:"keygen"`
	Rotate   string `help:"Add a new key to this file, in place. It seals from now on; the old ones still open what they sealed." type:"path" placeholder:"FILE" xor:"keygen"`
	Retire   string `help:"Take the old keys out of this file, in place, after belfry reseal. With DATABASE_URL it refuses while they are needed." type:"path" placeholder:"FILE" xor:"keygen"`
	Export   string `help:"Print the key in this file, for a copy that is kept elsewhere." type:"path" placeholder:"FILE" xor:"keygen"`
	Import   string `help:"Write the key that comes on standard input to this file, which must not exist yet: put a copy back." type:"path" placeholder:"FILE" xor:"keygen"`
}

func (c *keygenCommand) Run(ctx context.Context, to streams) error {
	switch {
	case c.Rotate != "":
		return c.rotate(to)
	case c.Retire != "":
		return c.retire(ctx, to)
	case c.Export != "":
		keyset, err := readKeyset(c.Export)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(to.out, keyset)
		return err
	case c.Import != "":
		return c.put(to, os.Stdin)
	}
	keyset, err := secret.NewKeyset()
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err = fmt.Fprintln(to.out, keyset)
		return err
	}
	return writeKeyset(c.Out, keyset)
}

// readKeyset reads a file that must hold a keyset.
func readKeyset(file string) (string, error) {
	keyset, err := readSecret("the sealing key", file)
	if err != nil {
		return "", err
	}
	if _, err := secret.NewBox(keyset); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return keyset, nil
}

// writeKeyset never writes over a key.
func writeKeyset(file, keyset string) error {
	made, err := writeNew(file, keyset)
	if err != nil {
		return fmt.Errorf("write sealing key: %w", err)
	}
	if !made {
		return fmt.Errorf("%s exists already and is left alone: what its key has sealed opens with nothing else", file)
	}
	return nil
}

// put writes the key that in holds to a file.
func (c *keygenCommand) put(to streams, in io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(in, 1<<20))
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	box, err := secret.NewBox(strings.TrimSpace(string(raw)))
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if err := writeKeyset(c.Import, string(raw)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(to.out, "%s holds the key that was given; key %d seals\n", c.Import, box.Primary())
	return err
}

// rotate adds a key. Its file is the only place where the new key is, so that two
// rotations at once must not lose one.
func (c *keygenCommand) rotate(to streams) error {
	var box *secret.Box
	err := alone(c.Rotate, func(file string) error {
		keyset, err := readKeyset(file)
		if err != nil {
			return err
		}
		if keyset, err = secret.RotateKeyset(keyset); err != nil {
			return err
		}
		if box, err = secret.NewBox(keyset); err != nil {
			return err
		}
		return replace(file, keyset)
	})
	if err != nil {
		return fmt.Errorf("rotate %s: %w", c.Rotate, err)
	}
	_, err = fmt.Fprintf(to.out, "%s has a new key, %d, which seals from now on; older ones, which still open what they sealed: %d.\n"+
		"Next: copy the file to a safe place and to every server (one that reads this very file takes the key over within seconds, "+
		"others when they are restarted), then run `belfry reseal`.\n", c.Rotate, box.Primary(), len(box.Keys())-1)
	return err
}

// retire takes old keys out, unless the database is at hand and still needs them.
func (c *keygenCommand) retire(ctx context.Context, to streams) error {
	var (
		primary secret.KeyID
		retired []secret.KeyID
	)
	err := alone(c.Retire, func(file string) error {
		keyset, err := readKeyset(file)
		if err != nil {
			return err
		}
		left, gone, err := secret.RetireKeyset(keyset)
		if err != nil {
			return err
		}
		box, err := secret.NewBox(left)
		if err != nil {
			return err
		}
		primary, retired = box.Primary(), gone
		if err := c.stillNeeded(ctx, to, primary, retired); err != nil {
			return err
		}
		return replace(file, left)
	})
	if err != nil {
		return fmt.Errorf("retire keys of %s: %w", c.Retire, err)
	}
	_, err = fmt.Fprintf(to.out, "%s holds key %d only; taken out: %s.\n"+
		"Keep the copies of the old file for as long as you keep backups of the database from before `belfry reseal`: they open with nothing else.\n",
		c.Retire, primary, listed(retired))
	return err
}

func listed(ids []secret.KeyID) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprint(id))
	}
	return strings.Join(all, ", ")
}

// stillNeeded refuses to retire keys with which rows of the database are sealed, or
// with which a server would go on sealing.
func (c *keygenCommand) stillNeeded(ctx context.Context, to streams, primary secret.KeyID, retired []secret.KeyID) error {
	address, err := c.given()
	if err != nil {
		return err
	}
	if address == "" {
		_, err := fmt.Fprintln(to.err, "The database was not asked whether it still needs the old keys: DATABASE_URL is not set. "+
			"If a server then refuses to start because of a missing key, put the copy of the old file back and run `belfry reseal`.")
		return err
	}
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	uses, err := db.KeyUses(ctx)
	if err != nil {
		return err
	}
	if needed := slices.DeleteFunc(uses, func(u postgres.KeyUse) bool { return !slices.Contains(retired, u.Key) }); len(needed) > 0 {
		return fmt.Errorf("%w: run `belfry reseal` first; nothing was taken out", postgres.MissingKeys(needed))
	}
	behind, err := db.SealingOtherwise(ctx, primary)
	if err != nil || len(behind) == 0 {
		return err
	}
	return errors.New(lagging(behind, primary) + "; nothing was taken out")
}
