package secret

import (
	"errors"
	"slices"
	"testing"
)

func rotated(t *testing.T, keys string) string {
	t.Helper()
	keys, err := RotateKeyset(keys)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func sealed(t *testing.T, b *Box, plain string) []byte {
	t.Helper()
	s, err := b.Seal([]byte(plain), "x")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRetireLeavesTheNewestKey(t *testing.T) {
	t.Parallel()
	first, keys := newBox(t)
	second, err := NewBox(rotated(t, keys))
	if err != nil {
		t.Fatal(err)
	}
	all := rotated(t, rotated(t, keys))
	before, err := NewBox(all)
	if err != nil {
		t.Fatal(err)
	}
	left, retired, err := RetireKeyset(all)
	if err != nil {
		t.Fatal(err)
	}
	after, err := NewBox(left)
	if err != nil {
		t.Fatal(err)
	}
	if want := before.Keys()[1:]; len(want) != 2 || !slices.Equal(retired, want) || !slices.Contains(retired, first.Primary()) {
		t.Errorf("retired %d of %d", retired, before.Keys())
	}
	if got := after.Keys(); len(got) != 1 || got[0] != before.Primary() {
		t.Errorf("%d are left, want %d", got, before.Primary())
	}
	if plain, err := after.Open(sealed(t, before, "new"), "x"); err != nil || string(plain) != "new" {
		t.Errorf("the newest: %q, %v", plain, err)
	}
	for _, old := range []*Box{first, second} {
		if _, err := after.Open(sealed(t, old, "old"), "x"); !errors.Is(err, ErrNoKey) {
			t.Errorf("a retired key: %v, want ErrNoKey", err)
		}
	}
	if _, _, err := RetireKeyset(left); !errors.Is(err, ErrOneKey) {
		t.Errorf("the only key: %v, want ErrOneKey", err)
	}
}

// A keyset that is rotated while the box is in use is taken over; what is not its
// successor is not.
func TestRefresh(t *testing.T) {
	t.Parallel()
	_, keys := newBox(t)
	var (
		now    = keys
		failed error
	)
	b, err := NewBoxFrom(func() (string, error) { return now, failed })
	if err != nil {
		t.Fatal(err)
	}
	first := b.Primary()
	old := sealed(t, b, "old")

	_, stranger := newBox(t)
	for name, wrong := range map[string]string{"another": stranger, "none": "hunter2"} {
		now = wrong
		if err := b.Refresh(); err == nil || b.Primary() != first {
			t.Errorf("%s keyset: %v, and %d seals", name, err, b.Primary())
		}
	}
	failed = errors.New("no such file")
	if err := b.Refresh(); !errors.Is(err, failed) {
		t.Errorf("without a file: %v", err)
	}
	failed = nil

	now = rotated(t, keys)
	other, err := NewBox(now)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := b.Open(sealed(t, other, "new"), "x"); err != nil || string(plain) != "new" {
		t.Errorf("sealed with the new key: %q, %v", plain, err)
	}
	if b.Primary() != other.Primary() {
		t.Errorf("%d seals, want %d", b.Primary(), other.Primary())
	}

	if now, _, err = RetireKeyset(now); err != nil {
		t.Fatal(err)
	}
	if err := b.Refresh(); err != nil {
		t.Error(err)
	}
	if plain, err := b.Open(old, "x"); err != nil || string(plain) != "old" {
		t.Errorf("sealed with a key that was retired since: %q, %v", plain, err)
	}
	if want := []KeyID{other.Primary(), first}; !slices.Equal(b.Keys(), want) {
		t.Errorf("the keys are %d, want %d", b.Keys(), want)
	}
}

func TestSealedWith(t *testing.T) {
	t.Parallel()
	for _, none := range []string{"", "\x01\x02\x03\x04", "\x00\x00\x00\x00\x07x", "damaged"} {
		if id, ok := SealedWith([]byte(none)); ok {
			t.Errorf("%q: %d", none, id)
		}
	}
	for _, sealed := range []string{"\x01\xff\x00\x00\x07x", "\x01\xff\x00\x00\x07"} {
		if id, ok := SealedWith([]byte(sealed)); !ok || id != 0xff000007 {
			t.Errorf("%q: got %d, %v", sealed, id, ok)
		}
	}
}
