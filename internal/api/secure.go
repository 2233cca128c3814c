package api

import "strings"

// overTLS reports whether browsers come by https.
func (s *Server) overTLS() bool { return strings.HasPrefix(s.PublicURL, "https://") }

// cookieName is the name of the session's cookie. With the prefix a browser takes it
// from nobody but this host over TLS, so that no neighbouring host can plant one.
func (s *Server) cookieName() string {
	if s.overTLS() {
		return "__Host-" + sessionCookie
	}
	return sessionCookie
}
