package destination

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"belfry/internal/invalid"
)

func TestReadURLAccepts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, url string }{
		{"http", "http://soar.example"},
		{"https with port, path and query", "https://soar.example:8443/a/b%20c/?token=x&y=%20z"},
		{"a scheme and host in upper case", "HTTPS://SOAR.EXAMPLE/"},
		{"an IPv4 address", "http://192.0.2.1/"},
		{"an IPv6 address", "http://[2001:db8::1]:8080/"},
		{"localhost: addresses are checked when dialled", "http://localhost:8081"},
		{"one label", "http://receiver:8081/x"},
		{"an underscore in the host", "http://my_receiver/"},
		{"a name that is not ASCII", "https://zürich.example/ä"},
		{"a query without a path", "https://soar.example?x"},
		{"the lowest port", "https://soar.example:1"},
		{"the highest port", "https://soar.example:65535"},
		{"what is encoded when it is sent", `https://soar.example/ä|b?q=ä|c"^{}[]<>` + "`" + `\`},
		{"2048 characters", "https://soar.example/" + strings.Repeat("a", 2048-21)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			created := mustRead(t, bodyWithURL(t, tt.url))
			patched, err := mustRead(t, bodyWith(t, `{}`)).Patch(bodyWithURL(t, tt.url))
			if err != nil {
				t.Fatal(err)
			}
			if a, b := webhookOf(t, created).URL, webhookOf(t, patched).URL; a != tt.url || b != tt.url {
				t.Errorf("got %q and %q, want %q", a, b, tt.url)
			}
		})
	}
}

func TestReadURLRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, url, code string }{
		{"2049 characters", "https://soar.example/" + strings.Repeat("a", 2049-21), invalid.CodeTooLong},
		{"empty", "", invalid.CodeRequired},
		{"blanks around", " https://soar.example ", invalid.CodeFormat},
		{"a blank within", "https://soar.example/a b", invalid.CodeFormat},
		{"a line break", "https://soar.example/a\nb", invalid.CodeFormat},
		{"NUL", "https://soar.example/a\x00", invalid.CodeNUL},
		{"DEL", "https://soar.example/a\x7f", invalid.CodeFormat},
		{"no scheme", "soar.example/hook", invalid.CodeFormat},
		{"another scheme", "ftp://soar.example", invalid.CodeFormat},
		{"a file", "file:///etc/passwd", invalid.CodeFormat},
		{"a script", "javascript:alert(1)", invalid.CodeFormat},
		{"a relative URL", "//soar.example/", invalid.CodeFormat},
		{"one slash", "https:/soar.example", invalid.CodeFormat},
		{"no slash", "https:soar.example", invalid.CodeFormat},
		{"no host", "https:///hook", invalid.CodeFormat},
		{"a port and no host", "https://:443/", invalid.CodeFormat},
		{"a user", "https://user@soar.example/", invalid.CodeFormat},
		{"a user and password", "https://user:pass@soar.example/", invalid.CodeFormat},
		{"an empty user", "https://@soar.example/", invalid.CodeFormat},
		{"a fragment", "https://soar.example/#top", invalid.CodeFormat},
		{"an empty fragment", "https://soar.example/#", invalid.CodeFormat},
		{"port 0", "https://soar.example:0/", invalid.CodeFormat},
		{"port 65536", "https://soar.example:65536/", invalid.CodeFormat},
		{"a port beyond every integer", "https://soar.example:99999999999999999999/", invalid.CodeFormat},
		{"an empty port", "https://soar.example:/", invalid.CodeFormat},
		{"a port that is no number", "https://soar.example:https/", invalid.CodeFormat},
		{"a wrong escape", "https://soar.example/%zz", invalid.CodeFormat},
		{"a wrong escape in the query", "https://soar.example/?q=100%", invalid.CodeFormat},
		{"a wrong escape behind a right one", "https://soar.example/?q=%41%4g", invalid.CodeFormat},
		{"a no-break space", "https://soar.example/a\u00a0b", invalid.CodeFormat},
		{"a zero-width space", "https://soar.example/a\u200bb", invalid.CodeFormat},
		{"a change of direction", "https://soar.example/\u202ea", invalid.CodeFormat},
		{"an address with a zone", "http://[fe80::1%25eth0]/", invalid.CodeFormat},
		{"brackets around a name", "http://[soar]/", invalid.CodeFormat},
		{"an IPv6 address without brackets", "http://2001:db8::1/", invalid.CodeFormat},
		{"a quote for a host", `http://"/`, invalid.CodeFormat},
		{"angle brackets around the host", "http://<soar.example>/", invalid.CodeFormat},
		{"a comma in the host", "http://soar,example/", invalid.CodeFormat},
		{"a backslash", `http://soar.example\@evil.example/`, invalid.CodeFormat},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := []string{"settings.url: " + tt.code}
			_, err := Read(bodyWithURL(t, tt.url))
			if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
				t.Errorf("Read (-want +got)\n%s", diff)
			}
			_, err = mustRead(t, bodyWith(t, `{}`)).Patch(bodyWithURL(t, tt.url))
			if diff := cmp.Diff(want, wrong(t, err)); diff != "" {
				t.Errorf("Patch (-want +got)\n%s", diff)
			}
		})
	}
}

// What cannot be seen is named, and where it is.
func TestReadURLSaysWhatCannotBeSeen(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://soar.example/a ":          "must not end with a space",
		" https://soar.example/a":          "must not begin with a space",
		"https://soar.example/é b":         "must not contain a space (character 23); write %20 for one that belongs there",
		"https://soar.example/a\n":         "must not end with the invisible character U+000A",
		"\ufeffhttps://soar.example/a":     "must not begin with the invisible character U+FEFF",
		"https://soar.example/a\u200bb":    "must not contain the invisible character U+200B (character 23)",
		"https://soar.example/a\u00a0":     "must not end with the invisible character U+00A0",
		"https://soar.example/a?b=50%&c=d": "must have two hexadecimal digits after each %; write %25 for a % itself",
	} {
		_, err := Read(bodyWithURL(t, url))
		if err == nil || err.Error() != "settings.url "+want {
			t.Errorf("%q: got %v, want %s", url, err, want)
		}
	}
}

func TestReadURLOfAnotherKind(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`{}`:                           "settings.url: required",
		`{"url":null}`:                 "settings.url: required",
		`{"url":5}`:                    "settings.url: type",
		`{"url":["https://h"]}`:        "settings.url: type",
		`{"url":{"href":"https://h"}}`: "settings.url: type",
	} {
		_, err := Read(bodyWithSettings(t, settings))
		if diff := cmp.Diff([]string{want}, wrong(t, err)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", settings, diff)
		}
	}
}

func TestShownURLIsSchemeAndHost(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://soar.example/hooks/T0/hunter2?token=hunter2": "https://soar.example",
		"http://soar.example:8081/hunter2":                    "http://soar.example:8081",
		"https://[2001:db8::1]:8443/hunter2":                  "https://[2001:db8::1]:8443",
		"https://hunter2:hunter2@soar.example/":               "https://soar.example", // stored by nobody
		"https://soar.example#hunter2":                        "https://soar.example", // nor this
		"%hunter2":                                            "",
	} {
		checkShownIs(t, Destination{Type: "webhook", Settings: &Webhook{URL: url}}, want)
	}
}

// Two URLs are at one place only if net/http dials them alike.
func TestOriginIsWhatIsDialled(t *testing.T) {
	t.Parallel()
	dialled := func(raw string) (address string) {
		tr := &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			address = addr
			return nil, errors.New("that is all")
		}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := tr.RoundTrip(req); err == nil {
			t.Error(resp.Body.Close())
		}
		return address
	}
	for raw, want := range map[string]string{
		"http://soar.example/":                "http://soar.example:80",
		"https://SOAR.example":                "https://soar.example:443",
		"https://soar.example:08443/x":        "https://soar.example:8443",
		"https://soar.example./":              "https://soar.example.:443",
		"https://B\u00dcCHER.example/":        "https://xn--bcher-kva.example:443",
		"https://b%C3%BCcher.example/":        "https://xn--bcher-kva.example:443",
		"https://\u212aafka.example/":         "https://kafka.example:443",
		"https://soar\u3002example/":          "https://soar.example:443",
		"https://stra\u00dfe.example/":        "https://xn--strae-oqa.example:443",
		"http://\uff11\uff19\uff12.0.2.1/":    "http://192.0.2.1:80",
		"http://[2001:DB8:0:0:0:0:0:000A]/":   "http://[2001:db8::a]:80",
		"http://[::ffff:192.0.2.1]:8081/":     "http://[::ffff:192.0.2.1]:8081",
		"http://192.0.513/":                   "http://192.0.513:80",
		"http://soar_one.B\u00fccher.example": "http://soar_one.b\u00fccher.example:80", // which IDNA refuses
	} {
		got := origin(raw)
		if got != want {
			t.Errorf("%s: origin is %s, want %s", raw, got, want)
		}
		// DNS knows no case, an address has one meaning however it is written, and a port is a number.
		_, address, _ := strings.Cut(got, "://")
		if at := origin(got[:strings.Index(got, ":")] + "://" + dialled(raw)); at != got {
			t.Errorf("%s: %s is dialled, and the origin is %s", raw, dialled(raw), address)
		}
	}
}
