package masking

import (
	"cmp"
	"encoding/base64"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// How long a string must be to count as secret, by where it comes from. A
// header value may be "1" or "true", a path "/v1": taking those out of an answer
// would leave nothing to read and hide nothing.
const (
	minSecret  = 6
	minToken   = 8 // after the scheme word of "Bearer x"
	minURI     = 9 // path, and path with query
	minSegment = 8
)

// common are longer words, in lower case, that are no secrets either: what
// headers say to everyone, and the path segments of well-known webhooks.
var common = map[string]bool{
	"application/json": true, "application/json; charset=utf-8": true, "charset=utf-8": true,
	"text/plain": true, "text/html": true, "gzip, deflate": true, "identity": true,
	"no-cache": true, "keep-alive": true, "default": true, "enabled": true, "disabled": true,
	"unknown": true, "undefined": true, "production": true, "staging": true, "development": true,
	"services": true, "webhook": true, "webhooks": true, "incoming": true, "messages": true,
	"workflows": true, "integrations": true, "notifications": true,
}

// Sent is what a request carries that its answer must not give away.
type Sent struct {
	URL     string
	Secrets []string // header values and signing secrets; what is secret in them is found
	Proxy   *url.URL // that it goes through, nil for none
}

// secretsOf returns every string that must not be stored once it was sent.
func secretsOf(sent Sent) []string {
	var s secretList
	for _, value := range sent.Secrets {
		s.addValue(value)
	}
	u, err := url.Parse(sent.URL)
	if err != nil || !isOpenURL(u) {
		s.add(sent.URL, minSecret)
	}
	if err == nil {
		s.addURL(u)
	}
	if sent.Proxy != nil {
		s.addUser(sent.Proxy.User)
	}
	return s
}

// isOpenURL reports whether a URL has no more than scheme and host, which are not
// secret: an answer may link to what else is there.
func isOpenURL(u *url.URL) bool {
	return u.User == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
}

// Unfound returns those of some secrets that are not looked for, as they are too short
// or too common a word: in what a receiver answers they cannot be told from chance.
func Unfound(secrets []string) []string {
	var list []string
	for _, s := range secrets {
		if s = strings.TrimSpace(s); s != "" && !isTelling(s, minSecret) {
			list = append(list, s)
		}
	}
	return list
}

type secretList []string

func (s *secretList) add(value string, atLeast int) {
	if isTelling(value, atLeast) {
		*s = append(*s, value)
	}
}

// isTelling reports whether whoever reads a value in an answer can take it for a secret.
func isTelling(value string, atLeast int) bool {
	return len(value) >= atLeast && (len(value) > longestCommon || !common[strings.ToLower(value)])
}

// longestCommon spares longer values, as keys are, the look into common.
var longestCommon = len(slices.MaxFunc(slices.Collect(maps.Keys(common)), func(a, b string) int { return cmp.Compare(len(a), len(b)) }))

// schemes are the words with which credentials begin that say how to read them
// (the IANA registry of authentication schemes, and what is common beside it).
var schemes = map[string]bool{
	"basic": true, "bearer": true, "digest": true, "dpop": true, "gnap": true, "hoba": true, "mutual": true, "negotiate": true,
	"oauth": true, "privatetoken": true, "scram-sha-1": true, "scram-sha-256": true, "vapid": true, "token": true, "apikey": true,
	"aws4-hmac-sha256": true, "signature": true, "splunk": true, "geniekey": true, "sso-key": true,
}

// addValue adds a header value or a signing secret, and what is secret in it.
func (s *secretList) addValue(value string) {
	value = strings.TrimSpace(value) // as it is sent
	s.add(value, minSecret)
	if key, ok := strings.CutPrefix(value, "whsec_"); ok {
		s.add(key, minToken)
	}
	s.addPairs(value)
	s.addWords(value)
	scheme, token, ok := strings.Cut(value, " ")
	if token = strings.TrimSpace(token); !ok {
		return
	}
	s.add(token, minToken)
	if strings.EqualFold(scheme, "Basic") {
		s.addBasic(token)
	}
}

// addPairs adds what a Cookie header's value holds: "name=value; name=value". We
// are not told which header a value is of, and other ones with such pairs hold
// keys as well.
func (s *secretList) addPairs(value string) {
	for pair := range strings.SplitSeq(value, ";") {
		if _, v, ok := strings.Cut(pair, "="); ok {
			s.add(strings.Trim(v, "\" \t"), minSecret)
		}
	}
}

// addWords adds the words of a value that has several: what stands after the
// user, the items of a list, the values of parameters, the strings of a JSON
// object. Names of parameters and of schemes are none, nor are the parts of a
// media type.
func (s *secretList) addWords(value string) {
	if _, _, err := mime.ParseMediaType(value); err == nil && strings.Contains(value, "/") && !strings.Contains(value, " ") {
		return
	}
	const between = " \t,;=:\"'{}[]()<>|"
	for rest := value; rest != ""; {
		rest = strings.TrimLeft(rest, between)
		end := strings.IndexAny(rest, between)
		if end < 0 {
			end = len(rest)
		}
		word, after := rest[:end], rest[end:]
		rest = after
		name := strings.HasPrefix(after, "=") && strings.Trim(after, "=") != "" || strings.HasPrefix(after, `":`)
		if !name && !schemes[strings.ToLower(word)] {
			s.add(word, minToken)
		}
	}
}

func (s *secretList) addBasic(token string) {
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(token, "="))
	if err != nil {
		return
	}
	s.add(string(text), minSecret)
	_, password, _ := strings.Cut(string(text), ":")
	s.add(password, minSecret)
}

func (s *secretList) addURL(u *url.URL) {
	s.addUser(u.User)
	for _, path := range []string{u.EscapedPath(), u.Path} {
		s.add(path, minURI)
		for segment := range strings.SplitSeq(path, "/") {
			s.add(segment, minSegment)
		}
	}
	if u.RawQuery == "" {
		return
	}
	s.add(u.RequestURI(), minURI)
	for part := range strings.FieldsFuncSeq(u.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		_, value, ok := strings.Cut(part, "=")
		if !ok {
			value = part // "?token" is all key
		}
		s.add(value, minSecret)
		if plain, err := url.QueryUnescape(value); err == nil {
			s.add(plain, minSecret)
		}
	}
}

func (s *secretList) addUser(u *url.Userinfo) {
	if u == nil {
		return
	}
	password, _ := u.Password()
	s.add(u.Username(), minSecret)
	s.add(password, minSecret)
	s.add(u.Username()+":"+password, minSecret)
}
