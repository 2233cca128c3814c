// Package secret seals what must not be readable in a copy of the database:
// destination settings and signing secrets.
package secret

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrSealed is returned when sealed bytes cannot be opened: another key, another
// row, or damage. Which of them is not knowable.
var ErrSealed = errors.New("cannot open sealed data: wrong key, wrong row or damaged bytes")

// Box seals and opens bytes with a Tink keyset. A keyset may hold old keys
// beside the primary one, so that what they sealed still opens after a rotation.
type Box struct{ aead tink.AEAD }

// NewKeyset returns a new keyset as JSON: one AES-256-GCM key. Whoever has it
// can read every secret in the database.
func NewKeyset() (string, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", fmt.Errorf("make keyset: %w", err)
	}
	return encode(handle)
}

// RotateKeyset adds a new primary key to a keyset. Data sealed before opens with
// the old keys, which stay.
func RotateKeyset(json string) (string, error) {
	handle, err := decode(json)
	if err != nil {
		return "", err
	}
	m := keyset.NewManagerFromHandle(handle)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", fmt.Errorf("add key: %w", err)
	}
	if err := m.SetPrimary(id); err != nil {
		return "", fmt.Errorf("set primary key: %w", err)
	}
	if handle, err = m.Handle(); err != nil {
		return "", fmt.Errorf("rotate keyset: %w", err)
	}
	return encode(handle)
}

// NewBox returns a box for a keyset made by NewKeyset.
func NewBox(keysetJSON string) (*Box, error) {
	handle, err := decode(keysetJSON)
	if err != nil {
		return nil, err
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("use keyset: %w", err)
	}
	return &Box{a}, nil
}

// Seal encrypts plain so that it opens only with the same bound text, which
// names its place ("destinations.settings|" and the row's id): copied to another
// row it is worthless.
func (b *Box) Seal(plain []byte, bound string) ([]byte, error) {
	sealed, err := b.aead.Encrypt(plain, []byte(bound))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open decrypts what Seal returned for the same bound text, or returns ErrSealed.
func (b *Box) Open(sealed []byte, bound string) ([]byte, error) {
	plain, err := b.aead.Decrypt(sealed, []byte(bound))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// SameKey reports whether two sealed texts were sealed with one key of a keyset.
// Tink begins each with a byte of version and four that name the key.
func SameKey(a, b []byte) bool {
	const prefix = 5
	return len(a) >= prefix && len(b) >= prefix && bytes.Equal(a[:prefix], b[:prefix])
}

// encode writes a keyset as JSON. Tink calls this package insecure because the
// caller must keep the text secret: it goes to a secret store or a 0600 file.
func encode(handle *keyset.Handle) (string, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		return "", fmt.Errorf("write keyset: %w", err)
	}
	return b.String(), nil
}

// decode never wraps Tink's error, which could quote the key.
func decode(json string) (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(strings.NewReader(json)))
	if err != nil {
		return nil, errors.New("the sealing key is not a keyset; make one with `belfry keygen`")
	}
	return handle, nil
}
