package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"belfry/internal/alert"
	"belfry/internal/destination"
	"belfry/internal/pgtest"
	"belfry/internal/postgres"
	"belfry/internal/secret"
)

// keysets are a keyset and what it is after a rotation.
func keysets(t *testing.T) (old, rotated *secret.Box) {
	t.Helper()
	before, err := secret.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	after, err := secret.RotateKeyset(before)
	if err != nil {
		t.Fatal(err)
	}
	return box(t, before), box(t, after)
}

func box(t *testing.T, keyset string) *secret.Box {
	t.Helper()
	b, err := secret.NewBox(keyset)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealedBy opens a database for a process with a keyset.
func sealedBy(t *testing.T, url string, b *secret.Box) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Options{URL: url, MaxConns: 4, Name: "test", Box: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// hooks stores destinations that are sealed with the key of db.
func hooks(t *testing.T, db *postgres.DB, names ...string) (ids []uuid.UUID) {
	t.Helper()
	for _, name := range names {
		now := time.Now()
		d := destination.Destination{
			ID: uuid.Must(uuid.NewV7()), DisplayName: name, Type: "webhook", State: destination.Active, AlertTypes: alert.Types(),
			Severities: []alert.Severity{}, LogTypes: []string{}, Limits: destination.DefaultLimits(), Version: 1, CreatedAt: now, UpdatedAt: now,
			Settings: &destination.Webhook{URL: "https://" + name + ".example"}, Signing: destination.NewSigning(now),
		}
		if err := db.InsertDestination(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	return ids
}

func uses(t *testing.T, db *postgres.DB) map[secret.KeyID]int64 {
	t.Helper()
	list, err := db.KeyUses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := map[secret.KeyID]int64{}
	for _, u := range list {
		of[u.Key] = u.Rows
	}
	return of
}

// The canary alone is no proof: a keyset with only the new key opens it, once it is
// sealed with that, and not the destinations.
func TestCheckKeyAsksEveryRow(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	old, rotated := keysets(t)
	before := sealedBy(t, url, old)
	if err := before.CheckKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids := hooks(t, before, "a", "b", "c")
	after := sealedBy(t, url, rotated)
	if err := after.CheckKey(t.Context()); err != nil {
		t.Fatalf("the rotated keyset: %v", err)
	}
	if got := uses(t, after); got[old.Primary()] != 3 || got[rotated.Primary()] != 1 {
		t.Errorf("rows by key: %v, want three of the old one and the canary of the new one", got)
	}
	var missing postgres.MissingKeys
	if err := before.CheckKey(t.Context()); !errors.As(err, &missing) || missing[0] != (postgres.KeyUse{Key: rotated.Primary(), Rows: 1}) {
		t.Errorf("the old keyset, after that: %v", err)
	}
	// As it was found: the newest key alone, with the canary sealed with it.
	alone := sealedBy(t, url, onlyNewest(t))
	exec(t, alone, `DELETE FROM sealing_canary`)
	err := alone.CheckKey(t.Context())
	if !errors.As(err, &missing) || missing[0] != (postgres.KeyUse{Key: old.Primary(), Rows: 3}) || !strings.Contains(err.Error(), "3 rows are sealed with key") {
		t.Errorf("a keyset without the key of the destinations: %v", err)
	}
	if n := uses(t, alone); len(n) != 1 {
		t.Errorf("a keyset that was refused has sealed something: %v", n)
	}
	// What cannot be opened by anybody does not keep Belfry from starting.
	exec(t, after, `UPDATE destinations SET settings = 'damaged' WHERE id = $1`, ids[0])
	if err := after.CheckKey(t.Context()); err != nil {
		t.Errorf("with a damaged row: %v", err)
	}
}

// onlyNewest is a keyset that nothing was sealed with.
func onlyNewest(t *testing.T) *secret.Box {
	t.Helper()
	keyset, err := secret.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	return box(t, keyset)
}

func reseal(t *testing.T, db *postgres.DB, limit int) (all postgres.Resealed) {
	t.Helper()
	for after, more := uuid.Nil, true; more; {
		step, err := db.Reseal(t.Context(), after, limit)
		if err != nil {
			t.Fatal(err)
		}
		after, more = step.Last, step.Looked == limit
		all.Looked, all.Done, all.Changed = all.Looked+step.Looked, all.Done+step.Done, all.Changed+step.Changed
		all.Unreadable = append(all.Unreadable, step.Unreadable...)
	}
	return all
}

func TestReseal(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	old, rotated := keysets(t)
	before := sealedBy(t, url, old)
	ids := hooks(t, before, "a", "b", "c", "d", "e")
	after := sealedBy(t, url, rotated)
	hooks(t, after, "new")
	exec(t, after, `UPDATE destinations SET settings = 'damaged' WHERE id = $1`, ids[3])
	exec(t, after, `UPDATE destinations SET signing = (SELECT signing FROM destinations WHERE id = $2) WHERE id = $1`, ids[4], ids[0])
	was, err := after.Destination(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}

	got := reseal(t, after, 2)
	if got.Looked != 5 || got.Done != 3 || got.Changed != 0 || len(got.Unreadable) != 2 || got.Unreadable[0].ID != ids[3] || got.Unreadable[1].DisplayName != "e" {
		t.Errorf("first: %+v", got)
	}
	if got := uses(t, after); got[old.Primary()] != 1 { // what was copied from another row
		t.Errorf("rows by key: %v", got)
	}
	is, err := after.Destination(t.Context(), ids[0])
	if err != nil || is.Unopened != nil || is.Signing.Secret != was.Signing.Secret || !is.SameSettings(was) ||
		is.Version != was.Version || !is.UpdatedAt.Equal(was.UpdatedAt) {
		t.Errorf("it was %+v and is %+v (%v)", was, is, err)
	}
	// Of the damaged one the rest is sealed anew: its signing secret is not lost.
	if d, err := after.Destination(t.Context(), ids[3]); err != nil || d.Signing.Secret == "" || d.Settings != nil || !errors.Is(d.Unopened, destination.ErrMisconfigured) {
		t.Errorf("the damaged one: %+v, %v", d, err)
	}
	if again := reseal(t, after, 2); again.Done != 0 || len(again.Unreadable) != 2 {
		t.Errorf("again: %+v", again)
	}
	// A process with the old key only says what is missing, and takes nothing for damaged.
	if d, err := before.Destination(t.Context(), ids[0]); err != nil || !errors.Is(d.Unopened, destination.ErrNoKey) || errors.Is(d.Unopened, destination.ErrMisconfigured) {
		t.Errorf("with the old key: %+v, %v", d.Unopened, err)
	}
}

// Of what a lost key has sealed just that is given up, and the rest of a destination
// stays.
func TestGiveUpLost(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	lost, kept := sealedBy(t, url, onlyNewest(t)), sealedBy(t, url, onlyNewest(t))
	if err := lost.CheckKey(t.Context()); err != nil { // which seals the canary
		t.Fatal(err)
	}
	ids := append(hooks(t, lost, "both", "signing", "settings"), hooks(t, kept, "none", "another")...)
	const swap = `
		UPDATE destinations
		SET %[1]s = (SELECT %[1]s FROM destinations WHERE id = $2)
		WHERE id = $1`
	exec(t, kept, fmt.Sprintf(swap, "settings"), ids[1], ids[4]) // its signing secret alone is lost
	exec(t, kept, fmt.Sprintf(swap, "signing"), ids[2], ids[4])  // its settings alone are
	const stored = `
		SELECT display_name || ': ' || length(settings) || ' ' || length(signing) || ' ' || md5(settings || signing)
		FROM destinations
		WHERE display_name IN ('none', 'another')
		ORDER BY display_name`
	before := texts(t, kept, stored)

	for _, want := range []int64{3, 0} { // once
		if n, err := kept.GiveUpLost(t.Context()); err != nil || n != want {
			t.Errorf("given up: %d destinations, %v; want %d", n, err, want)
		}
	}
	const empty = `
		SELECT display_name
		FROM destinations
		WHERE %s = ''
		ORDER BY display_name`
	for part, want := range map[string][]string{"settings": {"both", "settings"}, "signing": {"both", "signing"}} {
		if diff := cmp.Diff(want, texts(t, kept, fmt.Sprintf(empty, part))); diff != "" {
			t.Errorf("destinations without %s (-want +got)\n%s", part, diff)
		}
	}
	if diff := cmp.Diff(before, texts(t, kept, stored)); diff != "" {
		t.Errorf("what the key at hand seals (-want +got)\n%s", diff)
	}
	if err := kept.CheckKey(t.Context()); err != nil { // the canary is given up too
		t.Errorf("the keyset is refused: %v", err)
	}
}

func texts(t *testing.T, db *postgres.DB, query string) []string {
	t.Helper()
	rows, err := db.Pool().Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A destination that is changed while it is sealed anew keeps the change.
func TestResealLosesNoEdit(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	old, rotated := keysets(t)
	before, after := sealedBy(t, url, old), sealedBy(t, url, rotated)
	id := hooks(t, before, "a")[0]
	locked, reads := make(chan struct{}), make(chan struct{})
	edited := make(chan error, 1)
	go func() { // a server that has only the old key, in the middle of a change
		edited <- before.InTx(context.WithoutCancel(t.Context()), func(tx *postgres.Tx) error {
			d, err := tx.LockDestination(context.WithoutCancel(t.Context()), id)
			close(locked)
			<-reads
			d.Settings = &destination.Webhook{URL: "https://edited.example"}
			d.Version++
			return errors.Join(err, tx.UpdateDestination(context.WithoutCancel(t.Context()), d))
		})
	}()
	<-locked
	stepped := make(chan postgres.Resealed, 1)
	go func() {
		step, err := after.Reseal(context.WithoutCancel(t.Context()), uuid.Nil, 10)
		if err != nil {
			t.Error(err)
		}
		stepped <- step
	}()
	waiting := func() (n int) {
		const query = `
			SELECT count(*)
			FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%SET settings = $2%'`
		if err := before.Pool().QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for deadline := time.Now().Add(20 * time.Second); waiting() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("reseal does not wait for the change")
		}
	}
	close(reads)
	if err := <-edited; err != nil {
		t.Fatal(err)
	}
	if step := <-stepped; step.Changed != 1 || step.Done != 0 {
		t.Errorf("the step beside the change: %+v", step)
	}
	if again := reseal(t, after, 10); again.Done != 1 {
		t.Errorf("the next one: %+v", again)
	}
	d, err := after.Destination(t.Context(), id)
	if err != nil || d.Unopened != nil || !strings.Contains(string(d.Shown().Settings), `"https://edited.example"`) || d.Version != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	if got := uses(t, after); got[old.Primary()] != 0 {
		t.Errorf("rows by key: %v", got)
	}
}

// What is deleted keeps its name and none of its secrets, whoever deletes it.
func TestDeletedDestinationsAreWiped(t *testing.T) {
	t.Parallel()
	url := pgtest.NewURL(t)
	old, _ := keysets(t)
	db := sealedBy(t, url, old)
	ids := hooks(t, db, "a", "b", "c")
	err := db.InTx(t.Context(), func(tx *postgres.Tx) error { return tx.DeleteDestination(t.Context(), ids[0], time.Now()) })
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, `UPDATE destinations SET deleted_at = now() WHERE id = $1`, ids[1]) // as the version before does
	rows, err := db.Pool().Query(t.Context(), `SELECT id FROM destinations WHERE settings = '' AND signing = '' AND display_name IN ('a', 'b')`)
	if err != nil {
		t.Fatal(err)
	}
	var wiped []uuid.UUID
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		wiped = append(wiped, id)
	}
	if rows.Err() != nil || !slices.Equal(wiped, ids[:2]) {
		t.Errorf("wiped are %v, want %v (%v)", wiped, ids[:2], rows.Err())
	}
	if got := uses(t, db); got[old.Primary()] != 1 {
		t.Errorf("rows by key: %v, want the one that is left", got)
	}
}
