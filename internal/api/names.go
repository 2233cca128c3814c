package api

import (
	"context"
	"fmt"
	"slices"

	"belfry/internal/destination"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
	"belfry/internal/spelling"
)

// renamed checks the new name of a destination that is changed, and has those
// former names forgotten that it shall not have any more.
func renamed(ctx context.Context, tx *postgres.Tx, before, changed destination.Destination) error {
	dropped := slices.DeleteFunc(slices.Clone(before.FormerNames), func(name string) bool { return slices.Contains(changed.FormerNames, name) })
	if len(dropped) > 0 {
		if err := tx.DropFormerNames(ctx, changed.ID, dropped); err != nil {
			return err
		}
	}
	if before.DisplayName == changed.DisplayName {
		return nil
	}
	return refuseAlike(ctx, tx, changed)
}

// refuseAlike refuses a name that looks like that of another destination. One that
// is the same is refused where it is stored. Two that are given at the same moment
// can pass both.
func refuseAlike(ctx context.Context, tx *postgres.Tx, d destination.Destination) error {
	among, err := tx.Routing(ctx)
	if err != nil {
		return err
	}
	key := destination.NameKey(d.DisplayName)
	for _, other := range among.All {
		if other.ID != d.ID && destination.NameKey(other.DisplayName) != key && spelling.Alike(d.DisplayName, other.DisplayName) {
			return invalid.Fields{{
				Field: "displayName", Code: invalid.CodeConflict,
				Message: fmt.Sprintf("looks like the name of another destination (%q), but is spelt with other characters", other.DisplayName),
			}}
		}
	}
	return nil
}
