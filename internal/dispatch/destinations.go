package dispatch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"belfry/internal/destination"
	"belfry/internal/invalid"
	"belfry/internal/postgres"
)

// Destinations makes changes of destinations, each in one transaction with its entry in
// the audit log. The API uses it, and a command can.
type Destinations struct {
	DB  *postgres.DB
	Now func() time.Time

	// Discard cancels, in the transaction, what waits for a destination.
	Discard func(ctx context.Context, tx *postgres.Tx, id uuid.UUID) (int, error)
	// Changed is told which destination has changed, after the commit.
	Changed func(id uuid.UUID)
}

// Change names a destination and who changes it.
type Change struct {
	ID uuid.UUID
	By By
	// Matches reports whether the caller knows this version; nil takes any.
	Matches func(version int64) bool
}

// errNothingToDo ends a change that would change nothing.
var errNothingToDo = errors.New("nothing to do")

// merge changes a destination whose row is locked. It may add to what the audit log
// will say.
type merge func(tx *postgres.Tx, d *destination.Destination, detail map[string]any) error

// Create stores a new destination of a request's body. Its signing secret is new.
func (s Destinations) Create(ctx context.Context, body []byte, by By) (destination.Destination, error) {
	d, err := destination.Read(body)
	if err != nil {
		return d, err
	}
	now := s.stamp()
	d.ID, d.CreatedAt, d.UpdatedAt, d.Signing = uuid.Must(uuid.NewV7()), now, now, destination.NewSigning(now)
	err = s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if err := refuseAlike(ctx, tx, d); err != nil {
			return err
		}
		if err := tx.InsertDestination(ctx, d); err != nil {
			return err
		}
		return s.audit(ctx, tx, "destination.create", d, by, nil)
	})
	if err != nil {
		return d, err
	}
	s.Changed(d.ID)
	return d, nil
}

// Patch merges a request's body into a destination. If it keeps failing and gets new
// settings, it is probed at once. If its signing secret cannot be opened, new settings
// make a new one, and made is true.
func (s Destinations) Patch(ctx context.Context, c Change, body []byte) (d destination.Destination, made bool, err error) {
	d, err = s.change(ctx, c, "destination.update", func(tx *postgres.Tx, d *destination.Destination, _ map[string]any) error {
		before := *d
		entered := destination.GivesSettings(body)
		if entered && errors.Is(d.Unopened, destination.ErrNoKey) {
			return d.Unopened // what others can open must not be lost
		}
		changed, err := d.Patch(body)
		if err != nil {
			return err
		}
		if made = entered && changed.Signing.Secret == ""; made {
			changed.Signing = destination.NewSigning(s.Now().UTC())
		}
		same := !made && before.SameSettings(changed)
		if same && reflect.DeepEqual(facts(before), facts(changed)) {
			return errNothingToDo
		}
		*d = changed
		if err := renamed(ctx, tx, before, changed); err != nil || same {
			return err
		}
		return tx.ProbeNow(ctx, d.ID, s.Now())
	})
	return d, made, err
}

// Pause holds what would be sent from now on.
func (s Destinations) Pause(ctx context.Context, c Change) (destination.Destination, error) {
	return s.change(ctx, c, "destination.pause", become(destination.Paused))
}

// Resume releases what a pause held, or cancels it.
func (s Destinations) Resume(ctx context.Context, c Change, discard bool) (destination.Destination, error) {
	activate := become(destination.Active)
	return s.change(ctx, c, "destination.resume", func(tx *postgres.Tx, d *destination.Destination, detail map[string]any) error {
		if err := activate(tx, d, detail); err != nil || !discard {
			return err
		}
		n, err := s.Discard(ctx, tx, d.ID)
		detail["discarded"] = n
		return err
	})
}

// RotateSigning makes a new signing secret; the former one signs for keep longer.
func (s Destinations) RotateSigning(ctx context.Context, c Change, keep time.Duration) (destination.Destination, error) {
	return s.change(ctx, c, "destination.rotate_signing_secret", func(_ *postgres.Tx, d *destination.Destination, _ map[string]any) error {
		if errors.Is(d.Unopened, destination.ErrNoKey) {
			return d.Unopened
		}
		d.Signing = d.Signing.Rotate(s.Now().UTC(), keep)
		return nil
	})
}

// Delete marks a destination at once; what is open is cancelled in the background.
func (s Destinations) Delete(ctx context.Context, c Change) error {
	err := s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d, err := s.lock(ctx, tx, c)
		if err != nil {
			return err
		}
		if err := tx.DeleteDestination(ctx, c.ID, s.Now()); err != nil {
			return err
		}
		return s.audit(ctx, tx, "destination.delete", d, c.By, nil)
	})
	if err != nil {
		return err
	}
	s.Changed(c.ID)
	return nil
}

// become returns a merge that brings a destination into a state.
func become(state destination.State) merge {
	return func(_ *postgres.Tx, d *destination.Destination, _ map[string]any) error {
		if d.State == state {
			return errNothingToDo
		}
		d.State = state
		return nil
	}
}

// change merges a change into a destination under its row's lock, and writes it to the
// audit log.
func (s Destinations) change(ctx context.Context, c Change, action string, fn merge) (destination.Destination, error) {
	var d destination.Destination
	err := s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		var err error
		if d, err = s.lock(ctx, tx, c); err != nil {
			return err
		}
		detail := map[string]any{}
		if err := fn(tx, &d, detail); err != nil {
			return err
		}
		d.Version++
		d.UpdatedAt = s.stamp()
		if err := tx.UpdateDestination(ctx, d); err != nil {
			return err
		}
		return s.audit(ctx, tx, action, d, c.By, detail)
	})
	if err != nil && !errors.Is(err, errNothingToDo) {
		return d, fmt.Errorf("%s %s: %w", action, c.ID, err)
	}
	s.Changed(c.ID)
	return d, nil
}

// lock locks a destination that is still the version that the caller read.
func (s Destinations) lock(ctx context.Context, tx *postgres.Tx, c Change) (destination.Destination, error) {
	d, err := tx.LockDestination(ctx, c.ID)
	if err == nil && c.Matches != nil && !c.Matches(d.Version) {
		err = postgres.ErrVersion
	}
	return d, err
}

// stamp is now, as the database can hold it.
func (s Destinations) stamp() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func (s Destinations) audit(ctx context.Context, tx *postgres.Tx, action string, d destination.Destination, by By, more map[string]any) error {
	detail := facts(d)
	maps.Copy(detail, more)
	return tx.Audit(ctx, postgres.Entry{
		At: s.Now(), Actor: by.Name, RequestID: by.RequestID, Action: action, SubjectType: "destination", SubjectID: d.ID.String(), Detail: detail,
	})
}

// facts says what a destination is, as the API does and without its secrets. Patch
// takes a change that shows neither here nor in the settings for none, and drops it.
func facts(d destination.Destination) map[string]any {
	return map[string]any{
		"displayName": d.DisplayName, "formerNames": listed(d.FormerNames), "state": d.State, "severities": listed(d.Severities),
		"alertTypes": listed(d.AlertTypes), "logTypes": listed(d.LogTypes), "responseStorage": d.ResponseStorage,
		"settings": d.Shown().Settings, "version": d.Version,
		"limits": map[string]any{
			"maxInFlight": d.Limits.MaxInFlight, "ratePerSecond": orNull(d.Limits.RatePerSecond), "burst": orNull(d.Limits.Burst),
			"holdFailing": d.Limits.HoldFailing,
		},
	}
}

// listed is a list that is no null in JSON.
func listed[T any](list []T) []T { return append([]T{}, list...) }

func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

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
		if other.ID != d.ID && destination.NameKey(other.DisplayName) != key && destination.LookAlike(d.DisplayName, other.DisplayName) {
			return invalid.FieldErrors{{
				Field: "displayName", Code: invalid.CodeConflict,
				Message: fmt.Sprintf("looks like the name of another destination (%q), but is spelt with other characters", other.DisplayName),
			}}
		}
	}
	return nil
}
