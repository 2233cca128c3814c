package access_test

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"

	"belfry/internal/access"
)

func TestCheckAdminToken(t *testing.T) {
	t.Parallel()
	made, _ := access.NewToken()
	tests := []struct{ name, token, wrong string }{
		{"one of ours", made, ""},
		{"32 characters", "e2e-admin-token-0123456789abcdef", ""},
		{"31 characters", "e2e-admin-token-0123456789abcde", "at least 32 characters"},
		{"one character", "x", "at least 32 characters"},
		{"none", "", "at least 32 characters"},
		{"all the same", strings.Repeat("x", 64), "random"},
		{"eight different, the fewest", "aabcdefghhgfedcbaabcdefghabcdefgh", ""},
		{"the first and the last of ASCII", "!~2e-admin-token-0123456789abcdef", ""},
		{"past the last of ASCII", "\x7f2e-admin-token-0123456789abcdefg", "printable ASCII"},
		{"seven different", strings.Repeat("abcdefg", 9), "random"},
		{"a word again and again", strings.Repeat("correcthorse", 4), "random"},
		{"a text twice", strings.Repeat("0123456789abcdef", 2), "random"},
		{"a space within", "e2e admin token 0123456789abcdef", "printable ASCII"},
		{"a line break", "e2e-admin-token-0123456789abcde\nf", "printable ASCII"},
		{"beyond ASCII", "e2e-admin-tökén-0123456789abcdef", "printable ASCII"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := access.CheckAdminToken(tt.token)
			if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("got %v, want %q", err, tt.wrong)
			}
			if err != nil && len(tt.token) > 1 && strings.Contains(err.Error(), tt.token) {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}

// What the error tells operators to make is never refused.
func TestRandomAdminTokens(t *testing.T) {
	t.Parallel()
	for range 10_000 {
		raw := make([]byte, 16) // half of what it says: openssl rand -hex 32
		rand.Read(raw)
		if token := hex.EncodeToString(raw); access.CheckAdminToken(token) != nil {
			t.Fatalf("%s: %v", token, access.CheckAdminToken(token))
		}
	}
}
