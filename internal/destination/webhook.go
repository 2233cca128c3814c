package destination

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"belfry/internal/invalid"
	"belfry/internal/outbound"
)

// Webhook posts the alert as JSON to a URL that somebody chose. The URL and the
// header values are secrets.
type Webhook struct {
	URL     string            `json:"url"`
	Headers []outbound.Header `json:"headers"`
}

func openWebhook(stored []byte) (Settings, error) {
	w := new(Webhook)
	if err := json.Unmarshal(stored, w); err != nil || w.URL == "" {
		return nil, fmt.Errorf("%w: they are not a webhook's", ErrMisconfigured)
	}
	return w, nil
}

// Shown implements Settings.
func (w *Webhook) Shown() Shown {
	s := Shown{Headers: []string{}}
	if u, err := url.Parse(w.URL); err == nil {
		s.URL = u.Scheme + "://" + u.Host
	}
	for _, h := range w.Headers {
		s.Headers = append(s.Headers, h.Name)
	}
	return s
}

// Send implements Settings.
func (w *Webhook) Send(ctx context.Context, client *outbound.Client, m Message) outbound.Result {
	body, err := m.Alert.Payload()
	if err != nil {
		return outbound.Result{Class: outbound.Protocol, StartedAt: m.SentAt, Error: "the alert cannot be written as JSON"}
	}
	signature := sign(m.Keys, m.ID.String(), m.SentAt, body)
	if signature == "" { // cannot be: such a destination is misconfigured
		return outbound.Result{Class: outbound.Interrupted, StartedAt: m.SentAt, Error: "there is no secret to sign with"}
	}
	headers := []outbound.Header{
		{Name: "webhook-id", Value: m.ID.String()},
		{Name: "webhook-timestamp", Value: strconv.FormatInt(m.SentAt.Unix(), 10)},
		{Name: "Belfry-Attempt", Value: strconv.Itoa(m.Attempt)},
		{Name: "webhook-signature", Value: signature},
	}
	if m.Test {
		headers = append(headers, outbound.Header{Name: "Belfry-Test", Value: "true"})
	}
	secrets := append([]string{}, m.Keys...)
	for _, h := range w.Headers {
		secrets = append(secrets, h.Value)
	}
	return client.Post(ctx, outbound.Request{
		URL:     w.URL,
		Header:  append(headers, w.Headers...),
		Body:    body,
		Secrets: secrets,
	})
}

func readWebhook(raw json.RawMessage, old Settings) (Settings, invalid.Fields) {
	f, ok := readNested(raw, "url", "headers")
	if !ok {
		return nil, invalid.Fields{{Code: invalid.CodeType, Message: "must be an object"}}
	}
	before, _ := old.(*Webhook)
	if before == nil {
		before = new(Webhook)
	}
	w := &Webhook{URL: before.URL, Headers: before.Headers}
	if f.has("url") || w.URL == "" {
		w.URL = f.text("url")
		if !f.isWrong("url") {
			checkURL(f, w.URL)
		}
	}
	kept := len(before.Headers) > 0
	if f.has("headers") {
		w.Headers, kept = readHeaders(f, before.Headers)
	}
	// Whoever may point a destination elsewhere must not thereby learn the
	// credentials that were entered for the old place.
	if kept && !f.isWrong("url") && origin(w.URL) != origin(before.URL) {
		f.wrong("headers", invalid.CodeRequired,
			"give every header value again (or remove the header): stored values are not sent to a new scheme, host or port")
	}
	if len(f.found) > 0 {
		return nil, f.found
	}
	return w, nil
}

// checkURL refuses what could never be sent to. Whether the address may be
// reached is decided when it is dialled, after DNS.
func checkURL(f *fields, raw string) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		f.wrong("url", invalid.CodeRequired, "is required")
	case len(raw) > 2048:
		f.wrong("url", invalid.CodeTooLong, "must be at most 2048 characters")
	case unseen(raw) != "":
		f.wrong("url", invalid.CodeFormat, unseen(raw))
	case badEscape(raw):
		f.wrong("url", invalid.CodeFormat, "must have two hexadecimal digits after each %; write %25 for a % itself")
	case err != nil:
		f.wrong("url", invalid.CodeFormat, "must be a valid URL")
	case u.Scheme != "http" && u.Scheme != "https":
		f.wrong("url", invalid.CodeFormat, "must start with http:// or https://")
	case u.Hostname() == "" || u.Opaque != "":
		f.wrong("url", invalid.CodeFormat, "must have a host")
	case u.User != nil:
		f.wrong("url", invalid.CodeFormat, "must not contain a user name or password; use a header")
	case strings.Contains(raw, "#"):
		f.wrong("url", invalid.CodeFormat, "must not have a fragment (#…): it would never be sent")
	case !validPort(u):
		f.wrong("url", invalid.CodeFormat, "must have a port from 1 to 65535, or none")
	case strings.Contains(u.Hostname(), "%"):
		f.wrong("url", invalid.CodeFormat, "must not have an address with a zone")
	case strings.ContainsFunc(u.Hostname(), func(r rune) bool { return r < 0x80 && !isHost(r) }):
		f.wrong("url", invalid.CodeFormat, "must have a host of letters, digits, dots, - and _ or an IP address")
	}
}

// unseen says where in a URL there is a character that nobody sees, which is
// nearly always one that was pasted with it. Others that a URL may not hold are
// encoded when it is sent.
func unseen(raw string) string {
	n := 0
	for i, r := range raw {
		n++
		what := ""
		switch {
		case r == ' ':
			what = "a space"
		case unicode.IsControl(r), unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
			what = fmt.Sprintf("the invisible character %U", r)
		default:
			continue
		}
		switch {
		case i == 0:
			return "must not begin with " + what
		case i+utf8.RuneLen(r) == len(raw):
			return "must not end with " + what
		case r == ' ':
			return fmt.Sprintf("must not contain a space (character %d); write %%20 for one that belongs there", n)
		}
		return fmt.Sprintf("must not contain %s (character %d)", what, n)
	}
	return ""
}

// badEscape reports whether some % is not followed by two hexadecimal digits. A
// receiver might read it in either way.
func badEscape(raw string) bool {
	for rest := raw; ; {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			return false
		}
		if len(after) < 2 || strings.Trim(after[:2], "0123456789abcdefABCDEF") != "" {
			return true
		}
		rest = after[2:]
	}
}

// isHost reports whether a name or an address may hold r. net/url lets more
// through, for which net/http then sends an empty Host.
func isHost(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._:", r)
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}

// origin is scheme, host and port, written one way. Hosts that might be two
// places stay two: only ASCII is folded, since net/http asks DNS for what is
// beyond it as it is, and a dot at the end stays, since a name without one may
// be found in a search domain.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.Map(lowerASCII, u.Hostname()) + ":" + port
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}
