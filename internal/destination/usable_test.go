package destination

import (
	"testing"
	"time"
)

func TestUsable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		d    Destination
		want bool
	}{
		{Destination{}, false},
		{Destination{Settings: &Webhook{URL: "https://h"}}, false},
		{Destination{Signing: Signing{Secret: "whsec_AAAA"}}, false},
		{Destination{Settings: &Webhook{URL: "https://h"}, Signing: Signing{Secret: "whsec_AAAA"}}, true},
		{Destination{Unopened: ErrMisconfigured}, false},
		{Destination{Unopened: ErrNoKey}, true}, // others have the key, and send
	} {
		if got := tt.d.Usable(); got != tt.want {
			t.Errorf("%+v: %v", tt.d, got)
		}
	}
}

func TestGivesSettings(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"settings":{"url":"https://h"}}`: true, `{"settings":null}`: true, `{"displayName":"settings"}`: false, `{}`: false, `[]`: false, `{"settings":`: false,
	} {
		if got := GivesSettings([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

func TestPreviousUntil(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := NewSigning(now)
	if got := s.PreviousUntil(now); !got.IsZero() {
		t.Errorf("never rotated: until %s", got)
	}
	s = s.Rotate(now, time.Hour)
	if got := s.PreviousUntil(now); !got.Equal(now.Add(time.Hour)) {
		t.Errorf("rotated: until %s", got)
	}
	if got := s.PreviousUntil(now.Add(time.Hour)); !got.IsZero() {
		t.Errorf("over: until %s", got)
	}
}
