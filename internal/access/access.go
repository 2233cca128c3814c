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
	"golang.org/x/text/unicode/norm"

	"belfry/internal/spelling"
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

// Opener is the kind of credential that a caller shows, or showed to open a session.
type Opener string

// The openers.
const (
	ByToken      Opener = "token"        // a stored token
	ByAdminToken Opener = "admin_token"  // that of the settings
	ByLink       Opener = "sign_in_link" // the code of one
)

// AdminTokenName is the name of a caller with the admin token of the settings. No
// other token may have it.
const AdminTokenName = "BELFRY_ADMIN_TOKEN"

// Caller is who makes a call.
type Caller struct {
	Name       string // of the token, for the audit log and "requested by"
	Scopes     []Scope
	Opener     Opener
	TokenID    uuid.UUID // zero unless a stored token was shown
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

// Token is an API token as it is stored: all but its secret text.
type Token struct {
	ID         uuid.UUID
	Name       string
	Scopes     []Scope
	CreatedAt  time.Time
	CreatedBy  string
	CreatorID  uuid.UUID // the token that made it, also through a session; zero when none did
	LastUsedAt time.Time
	RevokedAt  time.Time
}

// Session is a browser's session as it is stored: all but its key.
type Session struct {
	ID         uuid.UUID
	Name       string
	Scopes     []Scope
	Opener     Opener
	TokenID    uuid.UUID // that opened it and ends it; zero when none did
	AdminToken []byte    // hash of the settings' token that opened it and ends it
	CreatedAt  time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time
	Address    string
	UserAgent  string
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
	text = body + "_" + checksum(body)
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
	misspelt := spelling.Check(strings.TrimSpace(name))
	switch n := utf8.RuneCountInString(strings.TrimSpace(name)); {
	case n == 0:
		wrong["name"] = "is required"
	case n > 100:
		wrong["name"] = "must be at most 100 characters"
	case misspelt != nil:
		wrong["name"] = misspelt.Error()
	case reserved(name):
		wrong["name"] = "is a name that Belfry uses itself"
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

// reserved reports whether the audit log would take a name for one that Belfry
// gives: that of the settings' token, and those of commands.
func reserved(name string) bool {
	folded := strings.ToLower(norm.NFKC.String(strings.TrimSpace(name)))
	words := strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	switch strings.Join(words, " ") {
	case "belfry", "belfry admin token", "belfry dev", "belfry init", "belfry token":
		return true
	}
	return false
}

// WellFormed reports whether a text has the form of one of ours: nobody guesses
// such a one, and nothing else can be stored.
func WellFormed(text string) bool {
	for _, prefix := range []string{tokenPrefix, sessionPrefix, codePrefix} {
		body, sum, ok := cutLast(text, "_")
		key, isOurs := strings.CutPrefix(body, prefix)
		if ok && isOurs && len(key) == 43 && sum == checksum(body) {
			return true
		}
	}
	return false
}

func cutLast(text, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):], true
	}
	return text, "", false
}

func checksum(body string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(body))) }
