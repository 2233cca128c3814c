package destination

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Signing holds the secrets that requests are signed with. After a rotation the
// former ones sign too, each as long as was announced, so that the receiver can
// change over without a gap.
type Signing struct {
	Secret    string    `json:"secret"`
	CreatedAt time.Time `json:"createdAt"`
	Former    []Former  `json:"former,omitempty"` // newest first
}

// Former is a signing secret that was replaced and is still in use.
type Former struct {
	Secret string    `json:"secret"`
	Until  time.Time `json:"until"`
}

// maxFormer bounds the header that carries a signature for each secret.
const maxFormer = 5

// secretPrefix marks a signing secret, as Standard Webhooks says.
const secretPrefix = "whsec_"

// NewSigning returns a signing with a new random secret.
func NewSigning(now time.Time) Signing {
	key := make([]byte, 32)
	rand.Read(key)
	return Signing{Secret: secretPrefix + base64.StdEncoding.EncodeToString(key), CreatedAt: now}
}

// OpenSigning decodes a stored signing. Former secrets that cannot sign are left out;
// if the present one cannot, it returns ErrMisconfigured.
func OpenSigning(stored []byte) (Signing, error) {
	var s Signing
	if err := json.Unmarshal(stored, &s); err != nil || len(keyOf(s.Secret)) == 0 {
		return Signing{}, fmt.Errorf("%w: there is no signing secret that can be used", ErrMisconfigured)
	}
	s.Former = slices.DeleteFunc(s.Former, func(f Former) bool { return len(keyOf(f.Secret)) == 0 })
	return s, nil
}

// Rotate returns a new secret beside the present one, which signs for keep
// longer, and beside those that still sign from rotations before. With keep zero
// the new one is alone, as when a secret has leaked.
func (s Signing) Rotate(now time.Time, keep time.Duration) Signing {
	next := NewSigning(now)
	if keep <= 0 {
		return next
	}
	next.Former = Signing{Former: append([]Former{{s.Secret, now.Add(keep)}}, s.Former...)}.inUse(now)
	next.Former = next.Former[:min(len(next.Former), maxFormer)]
	return next
}

// Keys returns the secrets that sign at a time, newest first.
func (s Signing) Keys(now time.Time) []string {
	if s.Secret == "" {
		return nil
	}
	keys := []string{s.Secret}
	for _, f := range s.inUse(now) {
		keys = append(keys, f.Secret)
	}
	return keys
}

// PreviousUntil returns until when the secret before the present one signs, the
// zero time if it no longer does.
func (s Signing) PreviousUntil(now time.Time) time.Time {
	if f := s.inUse(now); len(f) > 0 {
		return f[0].Until
	}
	return time.Time{}
}

func (s Signing) inUse(now time.Time) []Former {
	var list []Former
	for _, f := range s.Former {
		if now.Before(f.Until) && f.Secret != "" {
			list = append(list, f)
		}
	}
	return list
}

// sign returns the webhook-signature header: for each key "v1," and the base64
// of the HMAC-SHA256 over id, timestamp and body (Standard Webhooks 1.0.0). It is
// empty when there is no key: nobody must take what an empty key makes for a proof.
func sign(keys []string, id string, at time.Time, body []byte) string {
	var signatures []string
	for _, k := range keys {
		key := keyOf(k)
		if len(key) == 0 {
			continue
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " ")
}

// keyOf returns the key that a signing secret stands for, nil if it is none.
func keyOf(secret string) []byte {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		return nil
	}
	return key
}
