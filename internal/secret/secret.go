// Package secret seals what must not be readable in a copy of the database:
// destination settings and signing secrets.
package secret

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

var (
	// ErrSealed is returned when sealed bytes cannot be opened although the box has a
	// key of that id: another key, another row, or damage. Which is not knowable.
	ErrSealed = errors.New("cannot open sealed data: wrong key, wrong row or damaged bytes")

	// ErrNoKey is returned when sealed bytes name a key that the box lacks.
	ErrNoKey = errors.New("the key is not in the keyset")
)

// Box seals and opens bytes with a Tink keyset. A keyset may hold old keys
// beside the primary one, so that what they sealed still opens after a rotation.
type Box struct {
	source func() (string, error) // reads the keyset; nil when it never changes

	mu    sync.Mutex
	rings []ring // newest first; the first one seals
}

// ring is a keyset as it was read.
type ring struct {
	json    string
	primary KeyID
	ids     []KeyID
	aead    tink.AEAD
}

// NewBox returns a box for a keyset made by NewKeyset.
func NewBox(keysetJSON string) (*Box, error) {
	r, err := newRing(keysetJSON)
	if err != nil {
		return nil, err
	}
	return &Box{rings: []ring{r}}, nil
}

// NewBoxFrom returns a box for a keyset that may be rotated while the box is used:
// read returns it as it is now.
func NewBoxFrom(read func() (string, error)) (*Box, error) {
	json, err := read()
	if err != nil {
		return nil, err
	}
	b, err := NewBox(json)
	if err != nil {
		return nil, err
	}
	b.source = read
	return b, nil
}

func newRing(json string) (ring, error) {
	handle, err := decode(json)
	if err != nil {
		return ring{}, err
	}
	a, err := aead.New(handle)
	if err != nil {
		return ring{}, fmt.Errorf("use keyset: %w", err)
	}
	r := ring{json: json, aead: a}
	r.primary, r.ids = keysOf(handle)
	sealed, err := a.Encrypt(nil, nil)
	if err != nil {
		return ring{}, fmt.Errorf("use keyset: %w", err)
	}
	if id, ok := SealedWith(sealed); !ok || id != r.primary {
		return ring{}, errors.New("the sealing key does not mark what it seals with its id; make one with `belfry keygen`")
	}
	return r, nil
}

// Seal encrypts plain so that it opens only with the same bound text, which
// names its place ("destinations.settings|" and the row's id): copied to another
// row it is worthless.
func (b *Box) Seal(plain []byte, bound string) ([]byte, error) {
	sealed, err := b.newest().aead.Encrypt(plain, []byte(bound))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open decrypts what Seal returned for the same bound text, or returns ErrSealed, or
// ErrNoKey if its key is missing even after the keyset was read again.
func (b *Box) Open(sealed []byte, bound string) ([]byte, error) {
	id, ok := SealedWith(sealed)
	if !ok {
		return nil, ErrSealed
	}
	r, ok := b.with(id)
	if !ok {
		err := b.Refresh()
		if r, ok = b.with(id); !ok {
			return nil, errors.Join(fmt.Errorf("key %d: %w", id, ErrNoKey), err)
		}
	}
	plain, err := r.aead.Decrypt(sealed, []byte(bound))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Refresh reads the keyset again and takes over what is new in it. Keys that are no
// longer in it still open what they sealed, until the process ends. A keyset that has
// no key in common with the one in use belongs to another database.
func (b *Box) Refresh() error {
	if b.source == nil {
		return nil
	}
	json, err := b.source()
	if err != nil || json == b.newest().json {
		return err
	}
	r, err := newRing(json)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(r.ids, b.has) {
		return errors.New("the keyset that is there now has no key in common with the one in use, which stays in use")
	}
	older := slices.DeleteFunc(b.rings, func(o ring) bool { return o.json == json })
	b.rings = append([]ring{r}, older...)
	return nil
}

// has reports whether the box, which is locked, has a key.
func (b *Box) has(id KeyID) bool {
	return slices.ContainsFunc(b.rings, func(r ring) bool { return slices.Contains(r.ids, id) })
}

// with returns the newest keyset that has a key.
func (b *Box) with(id KeyID) (ring, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.rings {
		if slices.Contains(r.ids, id) {
			return r, true
		}
	}
	return ring{}, false
}

func (b *Box) newest() ring {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rings[0]
}

// Primary returns the key that seals.
func (b *Box) Primary() KeyID { return b.newest().primary }

// Keys returns the keys that the box opens with, the sealing one first.
func (b *Box) Keys() []KeyID {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := []KeyID{b.rings[0].primary}
	for _, r := range b.rings {
		for _, id := range r.ids {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// SealedWith returns the key that sealed something. Tink begins it with a byte of
// version and four that name the key; ok is false for what begins otherwise.
func SealedWith(sealed []byte) (id KeyID, ok bool) {
	const version, prefix = 1, 5
	if len(sealed) < prefix || sealed[0] != version {
		return 0, false
	}
	return KeyID(binary.BigEndian.Uint32(sealed[1:prefix])), true
}
