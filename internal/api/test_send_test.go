package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"belfry/internal/access"
	"belfry/internal/outbound"
)

const testPath = destinationsPath + "/test"

// settingsBody is the body of a test of settings that are not saved.
func (h *harness) settingsBody(url string) object {
	b := h.hookBody(url)
	return object{"type": b["type"], "settings": b["settings"]}
}

func headersOf(list []Header) map[string]string {
	m := map[string]string{}
	for _, x := range list {
		m[x.Name] = x.Value
	}
	return m
}

// A saved destination is tested as it is: whatever its filters, and paused too.
func TestTestOfDestination(t *testing.T) {
	t.Parallel()
	h := newAPI(t)
	r := newReceiver(t, says(201, "thanks"))
	d := h.hook(t, r.URL, object{"severities": nil, "alertTypes": []string{"POLICY"}, "logTypes": []string{"A"}})
	wantStatus(t, h.post(t, destinationPath(d)+"/pause", ""), 200)
	before := h.rows(t)
	got := decode[TestAnswer](t, h.post(t, destinationPath(d)+"/test", ""), 200).Attempt
	if got.Class != AttemptClassAcked || *got.StatusCode != 201 || *got.ResponseBody != "thanks" || got.Trigger != AttemptTriggerTest || got.Counted ||
		got.DeliveryID != nil || *got.DestinationID != d.ID || *got.RequestedBy != "[admin]" || "http://"+*got.Address != r.URL || got.DurationMs <= 0 {
		t.Errorf("attempt %+v", got)
	}
	x := r.received()[0]
	if x.header.Get("Belfry-Test") != "true" || x.header.Get("Belfry-Attempt") != "1" || x.header.Get("Webhook-Signature") == "" ||
		x.header.Get("Webhook-Id") != got.ID.String() || string(x.body) != *got.RequestBody {
		t.Errorf("received %v %s", x.header, x.body)
	}
	if sent := headersOf(got.RequestHeaders); sent["X-Api-Key"] != "****" || sent["Belfry-Test"] != "true" {
		t.Errorf("request headers %v", sent)
	}
	alert := compact(t, x.body)
	if len(alert) != 12 || alert["severity"] != "INFO" || alert["type"] != "RULE" || !strings.HasPrefix(alert["link"].(string), "https://belfry.test/alerts/") {
		t.Errorf("alert %v", alert)
	}
	after := h.rows(t)
	for table, n := range before {
		want := n
		if strings.HasPrefix(table, "attempts") && after[table] != n {
			want = n + 1 // the attempt is kept, apart from any alert
		}
		if after[table] != want && !strings.HasPrefix(table, "river_") {
			t.Errorf("%s has %d rows, had %d", table, after[table], n)
		}
	}
	if n := h.count(t, `SELECT count(*) FROM attempts WHERE id = $1 AND delivery_id IS NULL AND trigger = 'test'`, got.ID); n != 1 {
		t.Error("the attempt is not stored")
	}

	wantStatus(t, h.post(t, destinationPath(d)+"/test", `{"severity":"CRITICAL","alertType":"SYSTEM_ERROR"}`), 200)
	if alert := compact(t, r.received()[1].body); alert["severity"] != "CRITICAL" || alert["type"] != "SYSTEM_ERROR" {
		t.Errorf("alert %v", alert)
	}
	wantProblem(t, h.post(t, destinationPath(d)+"/test", `{"severity":"LOUD","alertType":1,"more":1}`), 422, ProblemCodeInvalid, "severity", "alertType", "more")
	wantProblem(t, h.post(t, destinationPath(d)+"/test", `{"severity":"","alertType":"rule"}`), 422, ProblemCodeInvalid, "severity", "alertType")
	wantProblem(t, h.post(t, destinationsPath+"/"+anyID+"/test", ""), 404, ProblemCodeNotFound)
	if list := decode[AlertList](t, h.get(t, alertsPath), 200); len(list.Items) != 0 {
		t.Errorf("the test is listed: %+v", list.Items)
	}
}

// A test of settings that are not saved stores nothing at all.
func TestTestOfSettings(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	r := newReceiver(t, says(200, "ok"))
	before := h.rows(t)
	body := h.settingsBody(r.URL)
	body["severity"], body["alertType"] = "HIGH", "POLICY"
	got := decode[TestAnswer](t, h.post(t, testPath, js(body)), 200).Attempt
	if got.Class != AttemptClassAcked || got.DestinationID != nil || got.DeliveryID != nil || *got.ResponseBody != "ok" || headersOf(got.RequestHeaders)["X-Api-Key"] != "****" {
		t.Errorf("attempt %+v", got)
	}
	x := r.received()[0]
	if x.header.Get("Belfry-Test") != "true" || x.header.Get("Webhook-Signature") == "" || x.header.Get("X-Api-Key") == "" || compact(t, x.body)["severity"] != "HIGH" {
		t.Errorf("received %v %s", x.header, x.body)
	}
	if diff := cmp.Diff(before, h.rows(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
}

// Whatever comes of a test is an answer, of the right class.
func TestTestOutcomes(t *testing.T) {
	t.Parallel()
	quickly := func(s *setup) {
		s.dispatch.Client = outbound.New(outbound.Options{Allow: loopback, Timeout: 1500 * time.Millisecond})
	}
	h := newAPI(t, idle, quickly)
	silent, _, _ := waiting(t, says(200, ""))
	nobody := func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	garbled := func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Write([]byte("SSH-2.0-OpenSSH_9.9\r\n"))
		c.Close()
	}
	for name, c := range map[string]struct {
		url   string
		class AttemptClass
		code  int
	}{
		"an error":         {newReceiver(t, says(404, "no")).URL, AttemptClassRejected, 404},
		"a redirect":       {newReceiver(t, http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound).ServeHTTP).URL, AttemptClassRedirected, 302},
		"nobody there":     {"http://127.0.0.1:1", AttemptClassRefused, 0},
		"no answer":        {newReceiver(t, silent).URL, AttemptClassTimeout, 0},
		"a lost one":       {newReceiver(t, nobody).URL, AttemptClassReset, 0},
		"no HTTP":          {newReceiver(t, garbled).URL, AttemptClassProtocol, 0},
		"no TLS":           {strings.Replace(newReceiver(t, says(200, "")).URL, "http:", "https:", 1), AttemptClassTLS, 0},
		"a private one":    {"http://10.1.2.3:8080", AttemptClassBlockedAddress, 0},
		"a private v6 one": {"http://[fd00::1]", AttemptClassBlockedAddress, 0},
		"cloud metadata":   {"http://169.254.169.254", AttemptClassBlockedAddress, 0},
	} {
		got := decode[TestAnswer](t, h.post(t, testPath, js(h.settingsBody(c.url))), 200).Attempt
		if got.Class != c.class || value(got.StatusCode) != c.code {
			t.Errorf("%s: class %s, status %d: %s", name, got.Class, value(got.StatusCode), value(got.Error))
		}
		if c.code == 0 && (got.ResponseBody != nil || got.ResponseBodyBase64 != nil || len(got.ResponseHeaders) > 0 || value(got.Error) == "" || got.StatusCode != nil) {
			t.Errorf("%s: without an answer there is %+v", name, got)
		}
		if c.class == AttemptClassBlockedAddress && (!strings.Contains(*got.Error, "not allowed") || got.Address == nil || !strings.HasPrefix(*got.Address, strings.TrimPrefix(c.url, "http://"))) {
			t.Errorf("%s: error %q, address %q", name, *got.Error, value(got.Address))
		}
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	before := h.rows(t)
	for body, fields := range map[string][]string{
		`{}`:                              {"type", "settings"},
		`{"type":"mail","settings":{}}`:   {"type"},
		`{"type":"webhook","settings":5}`: {"settings"},
		`{"type":"webhook"}`:              {"settings"},
		`{"type":1,"settings":null,"severity":"LOUD","alertType":[],"name":"x"}`: {"type", "settings", "severity", "alertType", "name"},
		`{"type":"webhook","severity":"LOUD","settings":{"url":"x","port":1,"headers":[{"name":"Host","value":""},[]]}}`: {
			"severity", "settings.url", "settings.port", "settings.headers[0].name", "settings.headers[0].value", "settings.headers[1]",
		},
		`{"type":"webhook","settings":{"url":"http://a.test","headers":[{"name":"X-A"}]}}`:                                        {"settings.headers[0].value"},
		`{"type":"webhook","settings":{"url":"http://u:p@a.test"}}`:                                                               {"settings.url"},
		`{"type":"webhook","settings":{"url":"http://a.test/#f"}}`:                                                                {"settings.url"},
		`{"type":"webhook","settings":{"url":"file:///etc/passwd"}}`:                                                              {"settings.url"},
		`{"type":"webhook","settings":{"url":"http://a.test","headers":{"X-A":"b"}}}`:                                             {"settings.headers"},
		`{"type":"webhook","settings":{"url":"http://a.test","headers":[{"name":"A","value":5}]}}`:                                {"settings.headers[0].value"},
		js(object{"type": "webhook", "settings": object{"url": "http://a.test/" + uuid.NewString() + strings.Repeat("x", 2048)}}): {"settings.url"},
	} {
		wantProblem(t, h.post(t, testPath, body), 422, ProblemCodeInvalid, fields...)
	}
	if diff := cmp.Diff(before, h.rows(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
}

// signedWith reports whether a request bears the signature of a secret, as a
// receiver that holds it would check (Standard Webhooks 1.0.0).
func signedWith(t testing.TB, secret string, x received) bool {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", x.header.Get("Webhook-Id"), x.header.Get("Webhook-Timestamp"), x.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.Contains(strings.Fields(x.header.Get("Webhook-Signature")), want)
}

// A change is tested with the stored secrets that it leaves as they are, and
// nothing of it is stored.
func TestTestOfChange(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	r := newReceiver(t, says(200, "ok"))
	d := h.hook(t, r.URL)
	wantStatus(t, h.post(t, destinationPath(d)+"/test", ""), 200)
	stored := r.received()[0]
	rotated := decode[NewSigningSecret](t, h.post(t, destinationPath(d)+"/signing-secret", ""), 200)
	h.keep(rotated.SigningSecret, "another-value")
	before := h.rows(t)
	for name, c := range map[string]struct {
		settings any
		path     string
		key      string // of X-Api-Key
		team     string
	}{
		"nothing":           {nil, stored.path, stored.header.Get("X-Api-Key"), ""},
		"none of them":      {object{}, stored.path, stored.header.Get("X-Api-Key"), ""},
		"the URL":           {object{"url": r.URL + "/other"}, "/other", stored.header.Get("X-Api-Key"), ""},
		"one more header":   {object{"headers": []object{{"name": "x-api-key"}, {"name": "X-Team", "value": "blue"}}}, stored.path, stored.header.Get("X-Api-Key"), "blue"},
		"a header's value":  {object{"headers": []object{{"name": "X-Api-Key", "value": "another-value"}}}, stored.path, "another-value", ""},
		"a header left out": {object{"headers": []object{}}, stored.path, "", ""},
		"no headers":        {object{"headers": nil}, stored.path, "", ""},
	} {
		body := object{"destinationId": d.ID, "severity": "HIGH"}
		if c.settings != nil {
			body["settings"] = c.settings
		}
		got := decode[TestAnswer](t, h.post(t, testPath, js(body)), 200).Attempt
		all := r.received()
		x := all[len(all)-1]
		if got.Class != AttemptClassAcked || got.DestinationID != nil || x.path != c.path || x.header.Get("X-Api-Key") != c.key ||
			x.header.Get("X-Team") != c.team || compact(t, x.body)["severity"] != "HIGH" {
			t.Errorf("%s: attempt %+v, received %s %v", name, got, x.path, x.header)
		}
		if !signedWith(t, rotated.SigningSecret, x) || !signedWith(t, d.SigningSecret, x) {
			t.Errorf("%s: not signed with the stored secrets: %v", name, x.header)
		}
	}
	if diff := cmp.Diff(before, h.rows(t)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
	wantStatus(t, h.post(t, destinationPath(d)+"/test", ""), 200)
	if x := r.received()[len(r.received())-1]; x.path != stored.path || x.header.Get("X-Api-Key") != stored.header.Get("X-Api-Key") {
		t.Errorf("after the tests it is sent to %s with %v", x.path, x.header)
	}
}

// What a PATCH refuses, a test of the same change refuses in the same words, and
// sends nothing.
func TestWrongChange(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	r := newReceiver(t, says(200, "ok"))
	d := h.hook(t, r.URL)
	elsewhere := strings.Replace(r.URL, "127.0.0.1", "localhost", 1)
	for change, fields := range map[string][]string{
		`{"settings":{"url":"` + elsewhere + `"}}`:                                                {"settings.headers"},
		`{"settings":{"url":"` + elsewhere + `","headers":[{"name":"X-Api-Key"}]}}`:               {"settings.headers"},
		`{"settings":{"url":"` + strings.Replace(r.URL, "http:", "https:", 1) + `"}}`:             {"settings.headers"},
		`{"settings":{"url":"http://127.0.0.1:1","headers":[{"name":"X-Api-Key","value":null}]}}`: {"settings.headers"},
		`{"settings":{"headers":[{"name":"X-New"}]}}`:                                             {"settings.headers[0].value"},
		`{"settings":{"headers":[{"name":"X-Api-Key"},{"name":"x-api-key","value":"v"}]}}`:        {"settings.headers[1].name"},
		`{"settings":{"url":null}}`:                                                               {"settings.url"},
		`{"settings":{"url":"ftp://a.test","port":1}}`:                                            {"settings.url", "settings.port"},
		`{"settings":null}`:                 {"settings"},
		`{"settings":[]}`:                   {"settings"},
		`{"type":"mail"}`:                   {"type"},
		`{"type":null}`:                     {"type"},
		`{"type":1,"settings":{"url":"x"}}`: {"type", "settings.url"},
		`{"type":"webhook","settings":{"headers":[{"name":"Host","value":"a"},{"name":"A","value":""}]}}`: {"settings.headers[0].name", "settings.headers[1].value"},
	} {
		patched := wantProblem(t, h.patch(t, destinationPath(d), change), 422, ProblemCodeInvalid, fields...)
		test := strings.Replace(change, "{", `{"destinationId":"`+d.ID.String()+`",`, 1)
		tested := wantProblem(t, h.post(t, testPath, test), 422, ProblemCodeInvalid, fields...)
		byField := cmpopts.SortSlices(func(a, b FieldError) bool { return a.Field < b.Field })
		if diff := cmp.Diff(patched.Errors, tested.Errors, byField); diff != "" {
			t.Errorf("%s (-patch +test):\n%s", change, diff)
		}
	}
	for body, fields := range map[string][]string{
		`{"destinationId":"` + anyID + `"}`:                                  {"destinationId"},
		`{"destinationId":"` + uuid.Nil.String() + `","type":"webhook"}`:     {"destinationId"},
		`{"destinationId":7,"severity":"LOUD"}`:                              {"destinationId", "severity"},
		`{"destinationId":"hook 1","settings":{}}`:                           {"destinationId"},
		`{"destinationId":null,"settings":{"headers":[{"name":"X-Api"}]}}`:   {"type"},
		`{"destinationId":"` + d.ID.String() + `","alertType":"x","name":1}`: {"alertType", "name"},
	} {
		wantProblem(t, h.post(t, testPath, body), 422, ProblemCodeInvalid, fields...)
	}
	wantStatus(t, h.delete(t, destinationPath(d)), 204)
	wantProblem(t, h.post(t, testPath, js(object{"destinationId": d.ID})), 422, ProblemCodeInvalid, "destinationId")
	if n := len(r.received()); n > 0 {
		t.Errorf("%d tests were sent", n)
	}
	operator := as(h.token(t, access.Operate))
	wantProblem(t, h.post(t, testPath, js(object{"destinationId": d.ID}), operator), 403, ProblemCodeForbidden)
}
