package destination

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestNewSigning(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		s := NewSigning(noon)
		text, ok := strings.CutPrefix(s.Secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(key) != 32 {
			t.Errorf("got %q: %d bytes, %v; want whsec_ and 32 bytes in base64", s.Secret, len(key), err)
		}
		if seen[s.Secret] {
			t.Errorf("%q came twice", s.Secret)
		}
		seen[s.Secret] = true
		if diff := cmp.Diff(Signing{Secret: s.Secret, CreatedAt: noon}, s); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	first := NewSigning(noon)
	tests := []struct {
		name string
		from Signing
		keep time.Duration
		want Signing
	}{
		{"the old one signs on", first, time.Hour, Signing{Former: []Former{{first.Secret, noon.Add(2 * time.Hour)}}}},
		{"the old one ends at once", first, 0, Signing{}},
		{"less than nothing is nothing", first, -time.Hour, Signing{}},
		{
			"of two, both sign on for as long as they were to",
			Signing{Secret: "whsec_b", Former: []Former{{"whsec_a", noon.Add(9 * time.Hour)}}},
			time.Minute,
			Signing{Former: []Former{{"whsec_b", noon.Add(time.Hour + time.Minute)}, {"whsec_a", noon.Add(9 * time.Hour)}}},
		},
		{
			"one that has ended is forgotten",
			Signing{Secret: "whsec_b", Former: []Former{{"whsec_a", noon.Add(time.Hour)}}},
			time.Minute,
			Signing{Former: []Former{{"whsec_b", noon.Add(time.Hour + time.Minute)}}},
		},
		{
			"one that is empty is forgotten", // as an earlier version kept what it could not open
			Signing{Secret: "whsec_b", Former: []Former{{"", noon.Add(9 * time.Hour)}}},
			time.Minute,
			Signing{Former: []Former{{"whsec_b", noon.Add(time.Hour + time.Minute)}}},
		},
		{"nothing is not kept", Signing{}, time.Hour, Signing{}},
		{
			"at once ends them all",
			Signing{Secret: "whsec_b", Former: []Former{{"whsec_a", noon.Add(9 * time.Hour)}}},
			0,
			Signing{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.from.Rotate(noon.Add(time.Hour), tt.keep)
			if got.Secret == tt.from.Secret || !strings.HasPrefix(got.Secret, "whsec_") {
				t.Errorf("got %q after %q, want a new secret", got.Secret, tt.from.Secret)
			}
			tt.want.Secret, tt.want.CreatedAt = got.Secret, noon.Add(time.Hour)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	rotated := Signing{Secret: "new", Former: []Former{{"old", noon}}}
	tests := []struct {
		name string
		of   Signing
		at   time.Time
		want []string
	}{
		{"none", Signing{}, noon, nil},
		{"a previous one alone is not used", Signing{Former: []Former{{"old", noon.Add(time.Hour)}}}, noon, nil},
		{"one", Signing{Secret: "new"}, noon, []string{"new"}},
		{"an empty one is not used", Signing{Secret: "new", Former: []Former{{"", noon.Add(time.Hour)}}}, noon, []string{"new"}},
		{"both, the newest first", rotated, noon.Add(-time.Hour), []string{"new", "old"}},
		{"both to the last moment", rotated, noon.Add(-1), []string{"new", "old"}},
		{"not at the end", rotated, noon, []string{"new"}},
		{"not after it", rotated, noon.Add(time.Hour), []string{"new"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.of.Keys(tt.at)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSigningIsStoredAsJSON(t *testing.T) {
	t.Parallel()
	first := NewSigning(noon)
	for _, want := range []Signing{first, first.Rotate(noon, time.Hour)} {
		raw := mustJSON(t, want)
		got, err := OpenSigning(raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", raw, diff)
		}
	}
}

func TestOpenSigningRefusesWhatCannotSign(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{``, `{`, `null`, `{}`, `{"secret":""}`, `{"secret":"whsec_"}`, `{"secret":"whsec_*"}`, `{"secret":7}`} {
		if got, err := OpenSigning([]byte(stored)); !errors.Is(err, ErrMisconfigured) || got.Secret != "" {
			t.Errorf("%s: %+v, %v", stored, got, err)
		}
	}
	first := NewSigning(noon)
	stored := Signing{Secret: first.Secret, CreatedAt: noon, Former: []Former{{"", noon}, {"whsec_", noon}, {first.Secret, noon}}}
	got, err := OpenSigning(mustJSON(t, stored))
	if diff := cmp.Diff([]Former{{first.Secret, noon}}, got.Former); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestSignature walks through a rotation with the eyes of a receiver that uses
// the Standard Webhooks project's own library.
func TestSignature(t *testing.T) {
	t.Parallel()
	const id = "01934f3c-9a10-7d3b-b7f2-0c6b1f2de002"
	body := []byte(`{"id":"AllLogs.IPMonitoring"}`)
	now := time.Now()
	first := NewSigning(now)
	both := first.Rotate(now, time.Hour)
	tests := []struct {
		name   string
		keys   []string
		secret string
		change func(body *[]byte, h http.Header)
		valid  bool
	}{
		{"before a rotation", first.Keys(now), first.Secret, nil, true},
		{"during a rotation, with the new secret", both.Keys(now), both.Secret, nil, true},
		{"during a rotation, with the previous one", both.Keys(now), both.Former[0].Secret, nil, true},
		{"after a rotation, with the new secret", both.Keys(now.Add(time.Hour)), both.Secret, nil, true},
		{"after a rotation, with the previous one", both.Keys(now.Add(time.Hour)), both.Former[0].Secret, nil, false},
		{"with somebody else's", both.Keys(now), NewSigning(now).Secret, nil, false},
		{"without keys", nil, first.Secret, nil, false},
		{"another body", first.Keys(now), first.Secret, func(b *[]byte, _ http.Header) { *b = append(*b, ' ') }, false},
		{"another id", first.Keys(now), first.Secret, func(_ *[]byte, h http.Header) { h.Set("webhook-id", id+"3") }, false},
		{"another time", first.Keys(now), first.Secret, func(_ *[]byte, h http.Header) {
			h.Set("webhook-timestamp", strconv.FormatInt(now.Unix()-1, 10))
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			h.Set("webhook-id", id)
			h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
			h.Set("webhook-signature", sign(tt.keys, id, now, body))
			received := append([]byte{}, body...)
			if tt.change != nil {
				tt.change(&received, h)
			}
			if err := verifies(t, tt.secret, received, h); (err == nil) != tt.valid {
				t.Errorf("got %v, want valid %v", err, tt.valid)
			}
		})
	}
}

// TestSignatureOfTheSpecification is the example of Standard Webhooks 1.0.0.
func TestSignatureOfTheSpecification(t *testing.T) {
	t.Parallel()
	const (
		secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		want   = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	)
	got := sign([]string{secret}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSignaturesOfTwoKeysAreBothSent(t *testing.T) {
	t.Parallel()
	s := NewSigning(noon).Rotate(noon, time.Hour)
	got := strings.Split(sign(s.Keys(noon), "id", noon, nil), " ")
	want := []string{sign([]string{s.Secret}, "id", noon, nil), sign([]string{s.Former[0].Secret}, "id", noon, nil)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
