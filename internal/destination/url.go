package destination

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// checkURL says why a URL could never be sent to. Whether the address may be
// reached is decided when it is dialled, after DNS.
func checkURL(raw string) (message string) {
	u, err := url.Parse(raw)
	switch {
	case unseen(raw) != "":
		return unseen(raw)
	case badEscape(raw):
		return "must have two hexadecimal digits after each %; write %25 for a % itself"
	case err != nil:
		return "must be a valid URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must start with http:// or https://"
	case u.Hostname() == "" || u.Opaque != "":
		return "must have a host"
	case u.User != nil:
		return "must not contain a user name or password; use a header"
	case strings.Contains(raw, "#"):
		return "must not have a fragment (#…): it would never be sent"
	case !validPort(u):
		return "must have a port from 1 to 65535, or none"
	case strings.Contains(u.Hostname(), "%"):
		return "must not have an address with a zone"
	case strings.ContainsFunc(u.Hostname(), func(r rune) bool { return r < 0x80 && !isHost(r) }):
		return "must have a host of letters, digits, dots, - and _ or an IP address"
	}
	return ""
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

// origin is scheme, host and port, written one way: as they are dialled. Hosts that
// might be two places stay two. So a dot at the end stays, since a name without one may
// be found in a search domain; and of what is no address in its usual form a resolver
// decides.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.Atoi(port); err == nil {
		port = strconv.Itoa(n) // 0443 is 443
	}
	return u.Scheme + "://" + net.JoinHostPort(dialledHost(u.Hostname()), port)
}

// dialledHost is a host as net/http dials it: a name beyond ASCII in the form that IDNA
// gives it, if it has one. ASCII letters of either case are one to DNS.
func dialledHost(host string) string {
	if strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			host = ascii
		}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String()
	}
	return strings.Map(lowerASCII, host)
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// shownURL is what may be seen of a secret URL: scheme, host and port.
func shownURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
