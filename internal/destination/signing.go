package destination

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
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

// Rotate returns a new secret beside the present one, which signs for keep
// longer, and beside those that still sign from rotations before. With keep zero
// the new one is alone, as when a secret has leaked.
func (s Signing) Rotate(now time.Time, keep time.Duration) Signing {
	next := NewSigning(now)
	if keep <= 0 {
		return next
	}
	next.Former = append([]Former{{s.Secret, now.Add(keep)}}, s.inUse(now)...)
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
		if now.Before(f.Until) {
			list = append(list, f)
		}
	}
	return list
}

// sign returns the webhook-signature header: for each key "v1," and the base64
// of the HMAC-SHA256 over id, timestamp and body (Standard Webhooks 1.0.0).
func sign(keys []string, id string, at time.Time, body []byte) string {
	var signatures []string
	for _, k := range keys {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(k, secretPrefix))
		if err != nil {
			continue // cannot be: we made it
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " ")
}
