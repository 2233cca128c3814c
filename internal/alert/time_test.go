package alert_test

import (
	"strings"
	"testing"
	"time"

	"belfry/internal/alert"
)

func TestParseTimeAccepts(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"2020-10-13T03:35:24Z", "2020-10-13T03:35:24Z"},
		{"2020-10-13T03:35Z", "2020-10-13T03:35:00Z"},
		{"2020-10-13T03:35+02:00", "2020-10-13T01:35:00Z"},
		{"2020-10-13T03:35:24.1Z", "2020-10-13T03:35:24.1Z"},
		{"2020-10-13T03:35:24.123Z", "2020-10-13T03:35:24.123Z"},
		{"2020-10-13T03:35:24.123456789Z", "2020-10-13T03:35:24.123456789Z"},
		{"2020-10-13T03:35:24.000000001Z", "2020-10-13T03:35:24.000000001Z"},
		{"2020-10-13T03:35:24.100000000Z", "2020-10-13T03:35:24.1Z"},
		{"2020-10-13T03:35:24-07:30", "2020-10-13T11:05:24Z"},
		{"2020-10-13T03:35:24-07:30:15", "2020-10-13T11:05:39Z"},
		{"2020-10-13T03:35:24+00:00:01", "2020-10-13T03:35:23Z"},
		{"2020-10-13T03:35:24+18:00", "2020-10-12T09:35:24Z"},
		{"2020-10-13T03:35:24-18:00:00", "2020-10-13T21:35:24Z"},
		{"2020-10-13T03:35:24-00:00", "2020-10-13T03:35:24Z"},
		{"2026-11-30T12:00:00.123456+0000", "2026-11-30T12:00:00.123456Z"}, // Suricata
		{"2026-11-30T13:00:00.5+0100", "2026-11-30T12:00:00.5Z"},
		{"2026-11-30T12:00:00.123+0000", "2026-11-30T12:00:00.123Z"}, // Wazuh
		{"2026-11-30T12:00-0730", "2026-11-30T19:30:00Z"},
		{"2026-11-30T12:00:00+1800", "2026-11-29T18:00:00Z"},
		{"2026-11-30T12:00:00+01", "2026-11-30T11:00:00Z"}, // Postgres, without minutes
		{"2026-11-30T12:00-11", "2026-11-30T23:00:00Z"},
		{"2026-11-30t12:00:00z", "2026-11-30T12:00:00Z"},
		{"2026-11-30t12:00Z", "2026-11-30T12:00:00Z"},
		{"2026-11-30T12:00:00.5z", "2026-11-30T12:00:00.5Z"},
		{"2020-02-29T00:00Z", "2020-02-29T00:00:00Z"},
		{"2000-02-29T00:00Z", "2000-02-29T00:00:00Z"},
		{"2020-12-31T23:59:59.999999999Z", "2020-12-31T23:59:59.999999999Z"},
		{"0001-01-01T00:00Z", "0001-01-01T00:00:00Z"},
		{"0000-12-31T23:00-01:00", "0001-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
	}
	for _, tt := range tests {
		got, err := alert.ParseTime(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if text := got.Format(time.RFC3339Nano); text != tt.want || got.Location() != time.UTC {
			t.Errorf("%s: got %s in %s, want %s", tt.text, text, got.Location(), tt.want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	t.Parallel()
	const form, date, ofDay = "must be a time like", "must be a date that exists", "must have hours from 00 to 23"
	const leap, years = "leap second", "years 0001 to 9999"
	tests := []struct{ text, want string }{
		{"", form},
		{"2020-10-13", form},
		{"2020-10-13T03Z", form},
		{"2020-10-13T03:35:24,5Z", form},
		{"2020-10-13T03:35:24.Z", form},
		{"2020-10-13T03:35:24.1234567890Z", form},
		{"2020-10-13T03:35.5Z", form},
		{"2020-10-13tT03:35:24Z", form},
		{"2020-10-13-03:35:24Z", form},
		{"2020-10-13 03:35:24Z", form},
		{"2020-10-13T3:35:24Z", form},
		{"2020-10-13T03:35:4Z", form},
		{"2020-10-13T03:35:Z", form},
		{"2020-1-13T03:35:24Z", form},
		{"20201013T033524Z", form},
		{"12020-10-13T03:35:24Z", form},
		{"+2020-10-13T03:35:24Z", form},
		{"-020-10-13T03:35:24Z", form},
		{" 2020-10-13T03:35:24Z", form},
		{"２020-10-13T03:35:24Z", form},
		{"2020-W42-2T03:35:24Z", form},
		{"2020-10-13T03:35:24Z ", form},
		{"2020-10-13T03:35:24Z\n", form},
		{"2020-10-13T03:35:24UTC", form},
		{"2020-10-13T03:35:24+02:00:00.5", form},
		{"2020-10-13T03:35:24 +02:00", form},
		{"2020-10-13T03:35:24−02:00", form},
		{"2020-00-13T03:35:24Z", date},
		{"2020-13-13T03:35:24Z", date},
		{"2020-10-00T03:35:24Z", date},
		{"2020-10-32T03:35:24Z", date},
		{"2020-04-31T03:35:24Z", date},
		{"2021-02-29T03:35:24Z", date},
		{"1900-02-29T03:35:24Z", date},
		{"2020-10-13T24:00:00Z", ofDay},
		{"2020-10-13T03:60:00Z", ofDay},
		{"2020-10-13T03:35:61Z", ofDay},
		{"2016-12-31T23:59:60Z", leap},
		{"0000-12-31T23:59:59.999999999Z", years},
		{"0001-01-01T00:00:00+00:01", years},
		{"9999-12-31T23:59:59-00:01", years},
	}
	for _, tt := range tests {
		checkTimeRefused(t, tt.text, tt.want)
	}
}

func TestParseTimeRefusesOffsets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2020-10-13T03:35",
		"2020-10-13T03:35:24",
		"2020-10-13T03:35:24zz",
		"2020-10-13T03:35:24z+00",
		"2020-10-13T03:35:24ZZ",
		"2020-10-13T03:35:24+",
		"2020-10-13T03:35:24+2",
		"2020-10-13T03:35:24+020",
		"2020-10-13T03:35:24+02000",
		"2020-10-13T03:35:24+020000", // ±hhmmss is nobody's
		"2020-10-13T03:35:24+0200:00",
		"2020-10-13T03:35:24+02:0000",
		"2020-10-13T03:35:24+02:",
		"2020-10-13T03:35:24+0260",
		"2020-10-13T03:35:24+1801",
		"2020-10-13T03:35:24-19",
		"2020-10-13T03:35:24+2:00",
		"2020-10-13T03:35:24+02:60",
		"2020-10-13T03:35:24+02:00:60",
		"2020-10-13T03:35:24+02:00:1",
		"2020-10-13T03:35:24+02:00Z",
		"2020-10-13T03:35:24+18:01",
		"2020-10-13T03:35:24-18:00:01",
		"2020-10-13T03:35:24+24:00",
	} {
		checkTimeRefused(t, text, "must end with a time zone offset")
	}
}

func checkTimeRefused(t *testing.T, text, want string) {
	t.Helper()
	got, err := alert.ParseTime(text)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%q: got %v, %v; want an error with %q", text, got, err, want)
	}
	if err != nil && !got.IsZero() {
		t.Errorf("%q: got a time with the error: %v", text, got)
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("2020-10-13T03:35:24Z")
	f.Add("2020-10-13T03:35+02:00")
	f.Add("2020-02-29T03:35:24.123456789-18:00:00")
	f.Add("2020-02-29t03:35:24.5+0530")
	f.Add("2020-02-29T03:35-18")
	f.Add("2016-12-31T23:59:60Z")
	f.Add("2020-10-13T3:35:24,5Z")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := alert.ParseTime(text)
		want, wantErr := time.Parse(time.RFC3339Nano, text)
		switch {
		case err == nil && wantErr == nil && !got.Equal(want):
			t.Errorf("%q: got %v, time.Parse says %v", text, got, want)
		case err == nil:
			again, err := alert.ParseTime(got.Format(time.RFC3339Nano))
			if err != nil || !again.Equal(got) {
				t.Errorf("%q: %v comes back as %v, %v", text, got, again, err)
			}
		case wantErr == nil && want.Format(time.RFC3339Nano) == text && want.UTC().Year() >= 1 && want.UTC().Year() <= 9999 && !farOffset(want):
			t.Errorf("%q: got %v, but it is canonical RFC 3339", text, err)
		}
	})
}

// farOffset tells whether t is further from UTC than AWSDateTime allows.
func farOffset(t time.Time) bool {
	_, offset := t.Zone()
	return offset > 18*3600 || offset < -18*3600
}
