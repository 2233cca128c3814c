package secret

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func newBox(t *testing.T) (*Box, string) {
	t.Helper()
	keys, err := NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBox(keys)
	if err != nil {
		t.Fatal(err)
	}
	return b, keys
}

func TestSealOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	b, _ := newBox(t)
	other, _ := newBox(t)
	sealed, err := b.Seal([]byte("hunter2"), "destinations.settings|1")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("hunter2")) {
		t.Error("the sealed bytes show the secret")
	}
	if got, err := b.Open(sealed, "destinations.settings|1"); err != nil || string(got) != "hunter2" {
		t.Errorf("Open = %q, %v", got, err)
	}
	damaged := bytes.Clone(sealed)
	damaged[len(damaged)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another row": func() ([]byte, error) { return b.Open(sealed, "destinations.settings|2") },
		"damage":      func() ([]byte, error) { return b.Open(damaged, "destinations.settings|1") },
		"nothing":     func() ([]byte, error) { return b.Open(nil, "destinations.settings|1") },
	} {
		if got, err := open(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: Open = %q, %v; want ErrSealed", name, got, err)
		}
	}
	if got, err := other.Open(sealed, "destinations.settings|1"); !errors.Is(err, ErrNoKey) {
		t.Errorf("another key: Open = %q, %v; want ErrNoKey", got, err)
	}
}

func TestRotatedKeysetOpensOldData(t *testing.T) {
	t.Parallel()
	old, keys := newBox(t)
	sealed, err := old.Seal([]byte("hunter2"), "x")
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := RotateKeyset(keys)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBox(rotated)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Open(sealed, "x"); err != nil || string(got) != "hunter2" {
		t.Errorf("Open = %q, %v", got, err)
	}
	fresh, err := b.Seal([]byte("new"), "x")
	if err != nil {
		t.Fatal(err)
	}
	was, _ := SealedWith(sealed)
	if is, ok := SealedWith(fresh); !ok || is == was || is != b.Primary() || was != old.Primary() {
		t.Errorf("the new key is %d, the old one %d, and what they sealed says %d and %d", b.Primary(), old.Primary(), is, was)
	}
	if _, err := old.Open(fresh, "x"); !errors.Is(err, ErrNoKey) {
		t.Errorf("the old key opens what the new one sealed: %v", err)
	}
}

func TestBadKeysetIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"", "hunter2", `{"primaryKeyId":1,"key":[{"keyData":{"value":"hunter2"}}]}`} {
		if _, err := NewBox(keys); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("NewBox(%q) = %v", keys, err)
		}
	}
}
