package access_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/access"
)

// kinds are the random texts that open something, by their prefix.
var kinds = map[string]func() (string, []byte){
	"belfry_": access.NewToken, "belfrys_": access.NewSession, "belfryc_": access.NewCode,
}

func TestTokenForm(t *testing.T) {
	t.Parallel()
	for prefix, create := range kinds {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			form := regexp.MustCompile(`^` + prefix + `([A-Za-z0-9_-]{43})_([0-9a-f]{8})$`)
			for range 200 {
				text, hash := create()
				parts := form.FindStringSubmatch(text)
				if parts == nil {
					t.Fatalf("got %q, want the form %s", text, form)
				}
				if key, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || len(key) != 32 {
					t.Errorf("%q holds %d bytes, %v; want 32", text, len(key), err)
				}
				if want := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text[:len(text)-9]))); parts[2] != want {
					t.Errorf("%q has the checksum %s, want %s", text, parts[2], want)
				}
				want := sha256.Sum256([]byte(text))
				if diff := cmp.Diff(want[:], hash); diff != "" {
					t.Errorf("hash (-want +got)\n%s", diff)
				}
			}
		})
	}
}

func TestTokensAreDifferent(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		for prefix, create := range kinds {
			text, hash := create()
			key := strings.TrimPrefix(text, prefix)[:43]
			for _, s := range []string{text, string(hash), key[:21], key[22:]} {
				if seen[s] {
					t.Fatalf("%q came twice", s)
				}
				seen[s] = true
			}
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	// SHA-256 of "abc", FIPS 180-2.
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := fmt.Sprintf("%x", access.Hash("abc")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	token, hash := access.NewToken()
	_, other := access.NewToken()
	tests := []struct {
		name string
		a, b []byte
		want bool
	}{
		{"its own", hash, access.Hash(token), true},
		{"another's", hash, other, false},
		{"one of another character", hash, access.Hash(token + "x"), false},
		{"a part", hash, hash[:31], false},
		{"none", hash, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := access.Same(tt.a, tt.b); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		scopes []access.Scope
		want   []access.Scope
	}{
		{"no scope", nil, nil},
		{"ingest only posts", []access.Scope{access.Ingest}, []access.Scope{access.Ingest}},
		{"read only reads", []access.Scope{access.Read}, []access.Scope{access.Read}},
		{"operate reads too", []access.Scope{access.Operate}, []access.Scope{access.Read, access.Operate}},
		{"admin may all", []access.Scope{access.Admin}, access.Scopes()},
		{"ingest and read", []access.Scope{access.Read, access.Ingest}, []access.Scope{access.Ingest, access.Read}},
		{"ingest and operate", []access.Scope{access.Ingest, access.Operate}, []access.Scope{access.Ingest, access.Read, access.Operate}},
		{"admin among others", []access.Scope{access.Read, access.Admin}, access.Scopes()},
		{"a scope that does not exist", []access.Scope{"root", ""}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []access.Scope
			for _, need := range access.Scopes() {
				if (access.Caller{Scopes: tt.scopes}).May(need) {
					got = append(got, need)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestMayNothingUnknown(t *testing.T) {
	t.Parallel()
	for _, need := range []access.Scope{"", "root", "ADMIN"} {
		if (access.Caller{Scopes: []access.Scope{access.Ingest, access.Read, access.Operate}}).May(need) {
			t.Errorf("%q is allowed", need)
		}
	}
}

func TestCheckToken(t *testing.T) {
	t.Parallel()
	all := []string{"ingest", "read", "operate", "admin"}
	long := strings.Repeat("é", 100)
	tests := []struct {
		name, token string
		scopes      []string
		want        []string // the wrong fields
	}{
		{"every scope", "CI", all, nil},
		{"one scope", "CI", []string{"ingest"}, nil},
		{"a scope twice", "CI", []string{"read", "read"}, nil},
		{"100 characters", long, all, nil},
		{"100 characters and blanks around", "  " + long + " ", all, nil},
		{"101 characters", long + "é", all, []string{"name"}},
		{"no name", "", all, []string{"name"}},
		{"a blank name", " \u00a0", all, []string{"name"}},
		{"a line break in the name", "C\nI", all, []string{"name"}},
		{"NUL in the name", "C\x00I", all, []string{"name"}},
		{"no scopes", "CI", nil, []string{"scopes"}},
		{"empty scopes", "CI", []string{}, []string{"scopes"}},
		{"an unknown scope among others", "CI", []string{"read", "root"}, []string{"scopes"}},
		{"a scope in another case", "CI", []string{"Admin"}, []string{"scopes"}},
		{"an empty scope", "CI", []string{""}, []string{"scopes"}},
		{"both wrong", "", []string{"root"}, []string{"name", "scopes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for field, message := range access.CheckToken(tt.token, tt.scopes) {
				got = append(got, field)
				if message == "" {
					t.Errorf("%s: no message", field)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Names by which the audit log knows Belfry itself are nobody's, however they are written.
func TestCheckTokenKeepsBelfrysNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"BELFRY_ADMIN_TOKEN": true, "belfry-admin.token": true, " Belfry ": true, "belfry dev": true, "Belfry INIT": true, "belfry token": true,
		"ＢＥＬＦＲＹ": true, "belfry 1": false, "my belfry": false, "admin token": false, "belfrydev": false, "": true,
	} {
		if got := access.CheckToken(name, []string{"read"})["name"]; (got != "") != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestScopesAreTheCallers(t *testing.T) {
	t.Parallel()
	access.Scopes()[0] = access.Admin
	want := []access.Scope{access.Ingest, access.Read, access.Operate, access.Admin}
	if diff := cmp.Diff(want, access.Scopes()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
