package outbound

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSendable(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://h":              "https://h",
		"https://h/":             "https://h/",
		"https://h?x":            "https://h?x",
		"https://zürich/":        "https://zürich/", // net/http knows what to do
		"https://h/ä|b":          "https://h/%C3%A4%7Cb",
		`https://h?q=ä|c"`:       "https://h?q=%C3%A4%7Cc%22",
		"https://h/%2fä?%c3ä":    "https://h/%2f%C3%A4?%c3%C3%A4",
		"https://h/a[0]{}<>^`\\": "https://h/a%5B0%5D%7B%7D%3C%3E%5E%60%5C",
		"https://h/-._~!$&'()*+,;=:@/?a=b&c=d%20/?:@": "https://h/-._~!$&'()*+,;=:@/?a=b&c=d%20/?:@",
		"https://h/a b":   "https://h/a%20b",
		"https://h/?a=\n": "https://h/?a=%0A",
		"https://[::1]/ä": "https://[::1]/%C3%A4",
		"no url ä":        "no url ä",
		"":                "",
	} {
		if got := sendable(raw); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
		if again := sendable(want); again != want {
			t.Errorf("%s: sent again it is %s", want, again)
		}
	}
}

// What goes out in the request line is what RFC 3986 allows, and says the same.
func TestPostEncodesTheURL(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines <- r.RequestURI
		if _, err := w.Write([]byte("you asked for " + r.RequestURI)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	const secret = `/hooks/geheimer-schlüssel|1?q=ä|c"&token=größe-des-geheimnisses`
	res := newClient(t, time.Minute).Post(t.Context(), Request{URL: srv.URL + secret, Body: []byte("{}")})
	const want = "/hooks/geheimer-schl%C3%BCssel%7C1?q=%C3%A4%7Cc%22&token=gr%C3%B6%C3%9Fe-des-geheimnisses"
	if got := <-lines; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if text := string(res.Body); res.Class != Acked || strings.Contains(text, "geheim") {
		t.Errorf("%s: %s", res.Class, text)
	}
}

func FuzzSendable(f *testing.F) {
	for _, raw := range []string{"https://h/ä?q=|", "http://h?%", "x://#ä", "http://h/%2f\x00"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		sent := sendable(raw)
		if sendable(sent) != sent {
			t.Errorf("%q: sent again it is %q", sent, sendable(sent))
		}
		before, err := url.Parse(raw)
		if err != nil || before.Host == "" || before.Scheme != "http" && before.Scheme != "https" {
			return
		}
		after, err := url.Parse(sent)
		if err != nil {
			t.Fatalf("%q became %q: %v", raw, sent, err)
		}
		if before.Host != after.Host || before.Scheme != after.Scheme || before.Path != after.Path {
			t.Errorf("%q became %q", raw, sent)
		}
		for _, c := range []byte(after.RequestURI()) {
			if !mayStand(c) {
				t.Errorf("%q is sent as %q", raw, after.RequestURI())
			}
		}
	})
}
