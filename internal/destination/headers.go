package destination

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"belfry/internal/invalid"
	"belfry/internal/outbound"
)

const (
	maxHeaders     = 20
	maxHeaderName  = 256
	maxHeaderValue = 4096
)

// reserved names are ours, or would change what a request is. With either of
// the idempotency names Go's client would repeat a POST without telling us.
var reserved = []string{
	"host", "content-length", "transfer-encoding", "connection", "content-type",
	"idempotency-key", "x-idempotency-key",
	// Hop-by-hop, RFC 9110 section 7.6.1 and RFC 2616 section 13.5.1.
	"keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade",
	"expect", // would make the client wait for a 100; it leaves this name out
}

// readHeaders returns the headers in a field of a request and whether any of them
// kept its stored value, which one given without a value does.
func readHeaders(f *invalid.Reader, field string, old []outbound.Header) (headers []outbound.Header, kept bool) {
	headers = []outbound.Header{}
	var items []json.RawMessage
	if json.Unmarshal(f.Body[field], &items) != nil {
		f.Wrong(field, invalid.CodeType, "must be an array of objects with name and value")
		return nil, false
	}
	if len(items) > maxHeaders {
		f.Wrong(field, invalid.CodeTooMany, fmt.Sprintf("must be at most %d", maxHeaders))
		return nil, false
	}
	for i, item := range items {
		h, kind := readHeader(f, fmt.Sprintf("%s[%d]", field, i), item, headers, old)
		headers = append(headers, h)
		kept = kept || kind == keptValue
	}
	return headers, kept
}

type valueKind int

const (
	givenValue valueKind = iota
	keptValue
)

// readHeader reads one pair. at names it in errors; before are those read
// already.
func readHeader(f *invalid.Reader, at string, item json.RawMessage, before, old []outbound.Header) (outbound.Header, valueKind) {
	pair, ok := invalid.NewNestedReader(item, "name", "value")
	if !ok {
		f.Wrong(at, invalid.CodeType, "must be an object with name and value")
		return outbound.Header{}, givenValue
	}
	h := outbound.Header{Name: pair.Text("name"), Value: strings.Trim(pair.Text("value"), " \t")}
	same := func(x outbound.Header) bool { return strings.EqualFold(x.Name, h.Name) }
	switch message, code := nameRule(h.Name); {
	case pair.IsWrong("name"):
	case code != "":
		pair.Wrong("name", code, message)
	case slices.ContainsFunc(before, same):
		pair.Wrong("name", invalid.CodeDuplicate, "occurs twice (case does not matter)")
	}
	kind := givenValue
	if pair.IsNull("value") {
		if i := slices.IndexFunc(old, same); i >= 0 {
			h.Value, kind = old[i].Value, keptValue
		} else {
			pair.Wrong("value", invalid.CodeRequired, "is required: no value is stored for this name")
		}
	} else if !pair.IsWrong("value") {
		if message, code := valueRule(h.Value); code != "" {
			pair.Wrong("value", code, message)
		}
	}
	for _, e := range pair.Errors {
		f.Wrong(at+"."+e.Field, e.Code, e.Message)
	}
	return h, kind
}

// nameRule is RFC 9110 section 5.1: a token.
func nameRule(name string) (message, code string) {
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return "is required", invalid.CodeRequired
	case len(name) > maxHeaderName:
		return fmt.Sprintf("must be at most %d characters", maxHeaderName), invalid.CodeTooLong
	case strings.ContainsFunc(name, func(r rune) bool { return !isToken(r) }):
		return "must be a header name: letters, digits and !#$%&'*+-.^_`|~", invalid.CodeFormat
	case slices.Contains(reserved, lower), strings.HasPrefix(lower, "webhook-"), strings.HasPrefix(lower, "belfry-"):
		return "is reserved and cannot be set", invalid.CodeReserved
	}
	return "", ""
}

func isToken(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	return strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func valueRule(value string) (message, code string) {
	switch {
	case value == "":
		return "must not be empty", invalid.CodeRequired
	case len(value) > maxHeaderValue:
		return fmt.Sprintf("must be at most %d characters", maxHeaderValue), invalid.CodeTooLong
	case strings.ContainsFunc(value, func(r rune) bool { return (r < ' ' && r != '\t') || r > '~' }):
		return "must be visible ASCII characters, spaces and tabs", invalid.CodeFormat
	}
	return "", ""
}
