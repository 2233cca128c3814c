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

// Signing holds the secrets that requests are signed with. During a rotation the
// previous one signs too, so that the receiver can change over without a gap.
type Signing struct {
	Secret        string    `json:"secret"`
	CreatedAt     time.Time `json:"createdAt"`
	Previous      string    `json:"previous,omitempty"`
	PreviousUntil time.Time `json:"previousUntil,omitzero"`
}

// secretPrefix marks a signing secret, as Standard Webhooks says.
const secretPrefix = "whsec_"

// NewSigning returns a signing with a new random secret.
func NewSigning(now time.Time) Signing {
	key := make([]byte, 32)
	rand.Read(key)
	return Signing{Secret: secretPrefix + base64.StdEncoding.EncodeToString(key), CreatedAt: now}
}

// Rotate returns a new secret beside the present one, which signs for keep
// longer (not at all for zero).
func (s Signing) Rotate(now time.Time, keep time.Duration) Signing {
	next := NewSigning(now)
	if keep > 0 {
		next.Previous, next.PreviousUntil = s.Secret, now.Add(keep)
	}
	return next
}

// Keys returns the secrets that sign at a time, newest first.
func (s Signing) Keys(now time.Time) []string {
	switch {
	case s.Secret == "":
		return nil
	case s.Previous != "" && now.Before(s.PreviousUntil):
		return []string{s.Secret, s.Previous}
	}
	return []string{s.Secret}
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
