package outbound

import (
	"regexp"
	"strings"
)

// net/http has no exported types for what an HTTP/2 server says when it gives up:
// on its connection with GOAWAY, on one request with RST_STREAM. Where the request
// cannot have been worked on, net/http has already sent it again on another
// connection.
//
// The text of a GOAWAY ends in debug data of the server's, which must not be
// quoted. Of all of it only the code's name is used.
var (
	goAway      = regexp.MustCompile(`^http2: (?:server sent GOAWAY|Transport received (?:GOAWAY|Server's graceful shutdown GOAWAY))`)
	goAwayCode  = regexp.MustCompile(`ErrCode[:=](unknown|[A-Z0-9_]+)`)
	streamError = regexp.MustCompile(`^stream error: stream ID \d+; (.*); received from peer$`)
)

// codes are the error codes of RFC 9113, section 7, in words.
var codes = map[string]string{
	"NO_ERROR":            "it is shutting down",
	"PROTOCOL_ERROR":      "it found an error of protocol",
	"INTERNAL_ERROR":      "it had an internal error",
	"FLOW_CONTROL_ERROR":  "it found an error of flow control",
	"SETTINGS_TIMEOUT":    "its settings were not acknowledged in time",
	"STREAM_CLOSED":       "it had closed the stream already",
	"FRAME_SIZE_ERROR":    "it got a frame of a wrong size",
	"REFUSED_STREAM":      "it refused the request before working on it",
	"CANCEL":              "it no longer needs the request",
	"COMPRESSION_ERROR":   "it could not read the compressed headers",
	"CONNECT_ERROR":       "its own connection was lost",
	"ENHANCE_YOUR_CALM":   "it finds our load excessive",
	"INADEQUATE_SECURITY": "it finds the connection's security inadequate",
	"HTTP_1_1_REQUIRED":   "it wants HTTP/1.1",
}

// isGoAway reports whether the server took leave of the connection.
func isGoAway(err error) bool { return goAway.MatchString(unwrapped(err)) }

// isStreamError reports whether the server gave up on this one HTTP/2 request.
// Its connection stands, so this is no reason to send again.
func isStreamError(err error) bool { return strings.HasPrefix(unwrapped(err), "stream error:") }

// unwrapped returns the text of err without what net/http's transport puts around an
// error after which it did not try again.
func unwrapped(err error) string {
	text := strings.TrimPrefix(err.Error(), "http2: Transport: cannot retry err [")
	return strings.TrimPrefix(text, "net/http: HTTP/2 ")
}

// givenUp says in words why an HTTP/2 server gave up, "" if it did not say.
func givenUp(err error) string {
	text := unwrapped(err)
	switch {
	case goAway.MatchString(text):
		text, _, _ = strings.Cut(text, "debug=")
		if code := goAwayCode.FindStringSubmatch(text); code != nil {
			return "the server closed the HTTP/2 connection (GOAWAY): " + inWords(code[1])
		}
		return "the server closed the HTTP/2 connection (GOAWAY): " + inWords("NO_ERROR")
	case isStreamError(err):
		if code := streamError.FindStringSubmatch(text); code != nil {
			return "the server gave up on the request (HTTP/2 RST_STREAM): " + inWords(code[1])
		}
	}
	return ""
}

func inWords(code string) string {
	if words, ok := codes[code]; ok {
		return words + " (" + code + ")"
	}
	return "for a reason that HTTP/2 does not know"
}
