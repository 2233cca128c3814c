package secret

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// ErrOneKey is returned when a keyset holds nothing but its newest key.
var ErrOneKey = errors.New("the keyset holds one key only, which seals everything: there is no old one to take out")

// KeyID names a key of a keyset. It is no secret: everything sealed begins with it.
type KeyID uint32

// NewKeyset returns a new keyset as JSON: one AES-256-GCM key. Whoever has it
// can read every secret in the database.
func NewKeyset() (string, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", fmt.Errorf("make keyset: %w", err)
	}
	return encode(handle)
}

// RotateKeyset adds a new primary key to a keyset, which seals from then on. Data
// sealed before opens with the old keys, which stay.
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

// RetireKeyset takes out every key but the primary one and returns which. What
// these sealed never opens again. It returns ErrOneKey when there is no other key.
func RetireKeyset(json string) (left string, retired []KeyID, err error) {
	handle, err := decode(json)
	if err != nil {
		return "", nil, err
	}
	primary, all := keysOf(handle)
	m := keyset.NewManagerFromHandle(handle)
	for _, id := range all {
		if id == primary {
			continue
		}
		if err := m.Delete(uint32(id)); err != nil {
			return "", nil, fmt.Errorf("take key %d out: %w", id, err)
		}
		retired = append(retired, id)
	}
	if len(retired) == 0 {
		return "", nil, ErrOneKey
	}
	if handle, err = m.Handle(); err != nil {
		return "", nil, fmt.Errorf("retire keys: %w", err)
	}
	left, err = encode(handle)
	return left, retired, err
}

// keysOf returns the keys of a keyset as they stand in it, and which of them seals.
func keysOf(handle *keyset.Handle) (primary KeyID, all []KeyID) {
	info := handle.KeysetInfo()
	for _, k := range info.GetKeyInfo() {
		all = append(all, KeyID(k.GetKeyId()))
	}
	return KeyID(info.GetPrimaryKeyId()), all
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
