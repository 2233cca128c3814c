// Package access says who may do what: API tokens, sessions and their scopes.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Scope is a set of calls that a caller may make.
type Scope string

// The scopes.
const (
	Ingest  Scope = "ingest"  // post alerts
	Read    Scope = "read"    // look at everything that is not a secret
	Operate Scope = "operate" // read, and re-send, cancel, pause, resume, test
	Admin   Scope = "admin"   // all, destinations and tokens included
)

// Scopes returns every scope.
func Scopes() []Scope { return []Scope{Ingest, Read, Operate, Admin} }

// Caller is who makes a call.
type Caller struct {
	Name       string // of the token, for the audit log and "requested by"
	Scopes     []Scope
	TokenID    uuid.UUID // zero for a session that no stored token opened
	SessionID  uuid.UUID // zero for a bearer token
	ExpiresAt  time.Time // of the session
	LastUsedAt time.Time
}

// May reports whether the caller's scopes include what a call needs.
func (c Caller) May(need Scope) bool {
	has := func(s Scope) bool { return slices.Contains(c.Scopes, s) }
	switch {
	case has(Admin), has(need):
		return true
	case need == Read:
		return has(Operate)
	}
	return false
}

// Token is an API token as it is kept: without itself.
type Token struct {
	ID         uuid.UUID
	Name       string
	Scopes     []Scope
	CreatedAt  time.Time
	CreatedBy  string
	LastUsedAt time.Time
	RevokedAt  time.Time
}

// The kinds of random text that open something; the prefix tells a reader, and a
// scanner for leaked secrets, what it holds.
const (
	tokenPrefix   = "belfry_"
	sessionPrefix = "belfrys_"
	codePrefix    = "belfryc_"
)

// NewToken returns a new API token and its hash. The token is shown once.
func NewToken() (token string, hash []byte) { return random(tokenPrefix) }

// NewSession returns a new session key and its hash.
func NewSession() (key string, hash []byte) { return random(sessionPrefix) }

// NewCode returns a new sign-in code and its hash.
func NewCode() (code string, hash []byte) { return random(codePrefix) }

// random returns prefix, 32 random bytes and a checksum, by which a mistyped one
// can be told from a revoked one.
func random(prefix string) (text string, hash []byte) {
	key := make([]byte, 32)
	rand.Read(key)
	body := prefix + base64.RawURLEncoding.EncodeToString(key)
	text = fmt.Sprintf("%s_%08x", body, crc32.ChecksumIEEE([]byte(body)))
	return text, Hash(text)
}

// Hash is what is stored of a token. The text is random, so that a fast hash is
// right.
func Hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// Same compares two hashes in constant time.
func Same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// CheckToken says what is wrong with a token's name and scopes, by field.
func CheckToken(name string, scopes []string) map[string]string {
	wrong := map[string]string{}
	switch n := utf8.RuneCountInString(strings.TrimSpace(name)); {
	case n == 0:
		wrong["name"] = "is required"
	case n > 100:
		wrong["name"] = "must be at most 100 characters"
	case strings.ContainsFunc(name, unicode.IsControl):
		wrong["name"] = "must not contain control characters"
	}
	if len(scopes) == 0 {
		wrong["scopes"] = "must name at least one of ingest, read, operate, admin"
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes(), Scope(s)) {
			wrong["scopes"] = "must be of ingest, read, operate, admin"
		}
	}
	return wrong
}
