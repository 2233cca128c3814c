package masking

import "testing"

func TestSecretsInTheURL(t *testing.T) {
	t.Parallel()
	r := Sent{URL: "https://user-name:pass-word@hooks.example.com/v1/hook/0123456789abcdef%2Fx?token=to%2Fken1&v=2&bad=%zzkey&justakey#f"}
	m := New(r)
	for text, want := range map[string]string{
		r.URL: Stars,
		"POST /v1/hook/0123456789abcdef%2Fx?token=to%2Fken1&v=2&bad=%zzkey&justakey HTTP/1.1": "POST **** HTTP/1.1",
		"path /v1/hook/0123456789abcdef%2Fx":                                                  "path ****",
		"path /v1/hook/0123456789abcdef/x":                                                    "path ****",
		"hook 0123456789abcdef/x":                                                             "hook ****",
		"token to/ken1":                                                                       "token ****",
		"token to%2fken1":                                                                     "token ****",
		"bad %zzkey":                                                                          "bad ****",
		"key justakey":                                                                        "key ****",
		"pass-word of user-name":                                                              "**** of ****",
		"v1 hook 2 hooks.example.com":                                                         "v1 hook 2 hooks.example.com",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	segments := Sent{URL: "https://hooks.example.com/services/01234567/0123456"}
	if got, want := New(segments).Text("0123456 services 01234567"), "0123456 services ****"; got != want {
		t.Errorf("segments: got %q, want %q", got, want)
	}
	for text, u := range map[string]string{"/v1": "http://a.example/v1", "/abc/def": "http://a.example/abc/def", "/": "http://a.example/"} {
		if got := New(Sent{URL: u}).Text(text); got != text {
			t.Errorf("path %q became %q", text, got)
		}
	}
	const link = "see https://a.example/errors#rate, or HTTPS://A.EXAMPLE"
	for _, u := range []string{"https://a.example", "https://a.example/"} { // host and scheme are no secret
		if got := New(Sent{URL: u, Secrets: []string{"a-secret-value"}}).Text(link); got != link {
			t.Errorf("to %s: %q became %q", u, link, got)
		}
	}
	if got := New(Sent{URL: "::not a URL::"}).Text("x ::not a URL::"); got != "x ****" {
		t.Errorf("a URL that cannot be read: got %q", got)
	}
}
