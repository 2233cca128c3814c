package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/alert"
	"belfry/internal/destination"
	"belfry/internal/outbound"
)

// output collects what a command writes, for a test to wait on.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // one to wait on at a time
}

func newOutput() *output { return &output{changed: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits for text that matches and returns the match with its groups.
func (o *output) await(t *testing.T, pattern string) []string {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(o.String()); m != nil {
			return m
		}
		select {
		case <-o.changed:
		case <-late:
			t.Fatalf("no %s in:\n%s", pattern, o)
		}
	}
}

// start runs a command until the test ends or stop is called. stop returns what
// the command returned.
func start(t *testing.T, args ...string) (out, errs *output, stop func() error) {
	t.Helper()
	out, errs = newOutput(), newOutput()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, streams{out, errs}) }()
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Second):
			return fmt.Errorf("%v did not stop", args)
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("%s: %v", args[0], err)
		}
	})
	return out, errs, stop
}

// receive starts the receiver and returns its URL.
func receive(t *testing.T, flags ...string) (url string, out *output) {
	t.Helper()
	out, _, _ = start(t, append([]string{"receive", "--listen", "127.0.0.1:0"}, flags...)...)
	return out.await(t, `Point a destination at (http://127\.0\.0\.1:\d+)/`)[1], out
}

// post sends one request with headers given as name, value, name, value …
// Status 0: there was no answer, which fails the test.
func post(t *testing.T, url, body string, headers ...string) (status int, answer string) {
	t.Helper()
	return do(t, http.MethodPost, url, body, headers...)
}

func do(t *testing.T, method, url, body string, headers ...string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	return resp.StatusCode, string(read)
}

// The example payload of the seeds.
const seedAlert = `{
  "id": "AllLogs.IPMonitoring",
  "createdAt": "2020-10-13T03:35:24Z",
  "severity": "INFO",
  "type": "RULE",
  "link": "https://runpanther.io/alerts/b90c19e66e160e194a5b3b94ec27fb7c",
  "title": "New Alert: Suspicious traffic detected from [123.123.123.123]",
  "name": "Monitor Suspicious IPs",
  "alertId": "b90c19e66e160e194a5b3b94ec27fb7c",
  "description": "This rule alerts on any activity outside of our IP address whitelist",
  "runbook": "",
  "tags": [
    "Network Monitoring",
    "Threat Intel"
  ],
  "version": "CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0"
}
`

// What Belfry itself sends is printed in full and its signature is right.
func TestReceiveFromBelfry(t *testing.T) {
	t.Parallel()
	signing := destination.NewSigning(time.Now())
	url, out := receive(t, "--secret-file", secretFile(t, destination.NewSigning(time.Now()).Secret+"\n"+signing.Secret))
	a, err := alert.Parse([]byte(seedAlert))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	defer client.Close()
	hook := &destination.Webhook{URL: url + "/hook?x=1"}
	m := destination.Message{ID: uuid.New(), Alert: a.Alert, Attempt: 1, SentAt: time.Now(), Keys: []string{signing.Secret}, Test: true}
	for m.Attempt = 1; m.Attempt <= 2; m.Attempt++ {
		if r := destination.Send(t.Context(), client, hook, m); r.StatusCode != http.StatusOK || string(r.Body) != "success" {
			t.Fatalf("answer = %d %q %s", r.StatusCode, r.Body, r.Error)
		}
	}
	id := m.ID.String()
	out.await(t, `#1 \S+ POST /hook\?x=1 \| webhook-id `+id+` \| attempt 1 \| test \| new \| signature ok \| answering 200\n`+regexp.QuoteMeta(seedAlert)+"\n")
	out.await(t, `#2 \S+ POST /hook\?x=1 \| webhook-id `+id+` \| attempt 2 \| test \| repeat of #1 \| signature ok \| answering 200\n`)
}

func TestReceiveFailsEachDeliveryFirst(t *testing.T) {
	t.Parallel()
	url, out := receive(t, "--fail-first", "2", "--status", "202", "--body", "taken")
	var got []string
	for _, id := range []string{"a", "a", "b", "a", "b", "b", "a"} {
		status, body := post(t, url, "{}", "webhook-id", id)
		got = append(got, fmt.Sprint(id, status, strings.TrimSpace(body)))
	}
	const failed = "500failing, as told"
	want := []string{"a" + failed, "a" + failed, "b" + failed, "a202taken", "b" + failed, "b202taken", "a202taken"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got)\n%s", diff)
	}
	out.await(t, `#2 .* repeat of #1 .* answering 500 \(failure 2 of 2, as told\)\n`)
	out.await(t, `#6 .* webhook-id b .* repeat of #3 .* answering 202\n`)
}

func TestReceiveOtherMethods(t *testing.T) {
	t.Parallel()
	url, out := receive(t)
	if status, body := do(t, http.MethodGet, url+"/", ""); status != http.StatusOK || body != "belfry receive is listening\n" {
		t.Errorf("GET / = %d %q", status, body)
	}
	if err := run(t.Context(), []string{"health", "--url", url}, streams{io.Discard, io.Discard}); err != nil {
		t.Errorf("health: %v", err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		if status, _ := do(t, method, url+"/hook", ""); status != http.StatusMethodNotAllowed {
			t.Errorf("%s = %d, want 405", method, status)
		}
	}
	out.await(t, `#1 \S+ GET /hook \| answering 405 \(not a POST\)\n`)
}

func TestReceiveNoBodyAllowed(t *testing.T) {
	t.Parallel()
	url, _ := receive(t, "--status", "204")
	if status, body := post(t, url, "{}"); status != http.StatusNoContent || body != "" {
		t.Errorf("answer = %d %q", status, body)
	}
}

func TestReceiveTooLong(t *testing.T) {
	t.Parallel()
	url, out := receive(t)
	if status, _ := post(t, url, `"`+strings.Repeat("a", 2<<20)+`"`); status != http.StatusOK {
		t.Errorf("2 MiB: status = %d, want 200", status)
	}
	if status, _ := post(t, url, strings.Repeat("a", maxReceived+1)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("over the limit: status = %d, want 413", status)
	}
	out.await(t, `#2 .* answering 413 `)
}

// Numbers, links and the order of fields stay as they were sent.
func TestReceiveChangesNothing(t *testing.T) {
	t.Parallel()
	url, out := receive(t)
	post(t, url, `{"z":1.50,"a":9007199254740993,"link":"https://x.test/?a=1&b=<2>","é":[],"z":{}}`)
	out.await(t, regexp.QuoteMeta(`{
  "z": 1.50,
  "a": 9007199254740993,
  "link": "https://x.test/?a=1&b=<2>",
  "é": [],
  "z": {}
}
`))
}

// A sender can neither steer the terminal nor write lines that look like ours.
func TestReceiveHostileText(t *testing.T) {
	t.Parallel()
	url, out := receive(t, "--headers")
	bodies := []string{
		"\x1b[2J\r\n#9 forged\x00\xff",
		"{\"a\":\"\u009b2J\u007f\u202e\"}",
		"\"\x9b2J\"",
		"\ufeff{}",
		strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"",
	}
	for _, body := range bodies {
		post(t, url+"/%1b%5b2J", body, "webhook-id", "x | signature ok", "X-Name", "\u009b31m")
	}
	got := out.await(t, `(?s)#6 .*\(no body\)\n\n`)
	for i, r := range out.String() {
		if unicode.IsControl(r) && r != '\n' || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r) {
			t.Fatalf("control character %q at byte %d of %q", r, i, out)
		}
	}
	if strings.Contains(out.String(), "\n#9") || strings.Contains(got[0], "webhook-id x") {
		t.Errorf("forged: %s", out)
	}
	if n := len(out.String()); n > 50_000 {
		t.Errorf("%d bytes were printed", n)
	}
	for _, want := range []string{
		`webhook-id "x | signature ok" | attempt - | not a test | new | signature missing |`,
		"X-Name: \"\\u009b31m\"\n",
		"(not JSON) \"\\x1b[2J\\r\\n#9 forged\\x00\\xff\"\n",
		"\"a\": \"\\u009b2J\\u007f\\u202e\"\n",
		"(not JSON) \"\\\"\\x9b2J\\\"\"\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

func TestReceiveDoesNotInterleave(t *testing.T) {
	t.Parallel()
	url, out := receive(t)
	const senders = 40
	long := strings.Repeat("x", 20_000)
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			post(t, url, fmt.Sprintf(`{"id":"w-%d","long":"%s"}`, i, long), "webhook-id", fmt.Sprintf("w-%d", i))
		})
	}
	all.Wait()
	whole := regexp.MustCompile(`#\d+ [^\n]* webhook-id (w-\d+) [^\n]*\n\{\n  "id": "(w-\d+)",\n  "long": "` + long + `"\n\}\n\n`)
	blocks := whole.FindAllStringSubmatch(out.String(), -1)
	if len(blocks) != senders {
		t.Fatalf("%d whole blocks, want %d", len(blocks), senders)
	}
	for _, b := range blocks {
		if b[1] != b[2] {
			t.Errorf("request %s printed with the body of %s", b[1], b[2])
		}
	}
}

// A stop answers who waits, and does not wait itself.
func TestReceiveStops(t *testing.T) {
	t.Parallel()
	out, _, stop := start(t, "receive", "--listen", "127.0.0.1:0", "--delay", "1h")
	url := out.await(t, `Point a destination at (\S+)`)[1]
	answered := make(chan int, 1)
	go func() {
		status, _ := post(t, url, "{}")
		answered <- status
	}()
	out.await(t, `#1 .* answering 200`)
	if err := stop(); err != nil {
		t.Errorf("run = %v", err)
	}
	select {
	case status := <-answered:
		if status != http.StatusOK {
			t.Errorf("status = %d, want 200", status)
		}
	case <-time.After(20 * time.Second):
		t.Error("the request in flight got no answer")
	}
}

func TestReceiveSenderHangsUp(t *testing.T) {
	t.Parallel()
	url, out := receive(t, "--delay", "1h")
	client := http.Client{Timeout: 100 * time.Millisecond}
	if resp, err := client.Post(url, "application/json", strings.NewReader("{}")); err == nil {
		resp.Body.Close()
		t.Fatalf("answered %s before the delay", resp.Status)
	}
	out.await(t, `#1: the sender hung up before the answer`)
}

func TestReceiveDelays(t *testing.T) {
	t.Parallel()
	url, _ := receive(t, "--delay", "150ms")
	began := time.Now()
	post(t, url, "{}")
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
}

func TestReceiveUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--status", "100"},
		{"--status", "600"},
		{"--fail-first", "-1"},
		{"--delay", "-1s"},
		{"--secret", "hunter2"},
		{"--secret-file", secretFile(t, "hunter2")},
		{"--secret-file", secretFile(t, "whsec_***")},
		{"--secret-file", secretFile(t, "whsec_")},
		{"--listen", "no-address"},
	} {
		err := run(t.Context(), append([]string{"receive"}, args...), streams{io.Discard, io.Discard})
		if err == nil {
			t.Errorf("%v was accepted", args)
		} else if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "***") {
			t.Errorf("%v: the error quotes the secret: %v", args, err)
		}
	}
}

// The example of the Standard Webhooks libraries.
const (
	exampleSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherSecret      = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// What is changed in the example, and the verdict on the result.
var verifyTests = []struct {
	name, header, value string
	secrets             []string
	body                string
	late                time.Duration
	want                string
}{
	{name: "nothing", want: "ok"},
	{name: "two secrets", secrets: []string{otherSecret, exampleSecret}, want: "ok"},
	{name: "two signatures", header: "webhook-signature", value: "v1,AAAA " + exampleSignature, want: "ok"},
	{name: "5 minutes late", late: 5 * time.Minute, want: "ok"},
	{name: "later", late: 5*time.Minute + time.Second, want: "WRONG (webhook-timestamp is 5m1s off)"},
	{name: "early", late: -6 * time.Minute, want: "WRONG (webhook-timestamp is 6m0s off)"},
	{name: "time is no number", header: "webhook-timestamp", value: "now", want: "WRONG (webhook-timestamp is not a number)"},
	{name: "time", header: "webhook-timestamp", value: "1614265331", want: "WRONG"},
	{name: "secret", secrets: []string{otherSecret}, want: "WRONG"},
	{name: "body", body: exampleBody + " ", want: "WRONG"},
	{name: "id", header: "webhook-id", value: exampleID + "x", want: "WRONG"},
	{name: "version", header: "webhook-signature", value: "v2" + exampleSignature[2:], want: "WRONG"},
	{name: "no signature", header: "webhook-signature", want: "missing"},
	{name: "no id", header: "webhook-id", want: "missing"},
	{name: "no time", header: "webhook-timestamp", want: "missing"},
	{name: "no secret", secrets: []string{}, want: "not checked (no BELFRY_SIGNING_SECRET)"},
	{name: "no secret and no signature", secrets: []string{}, header: "webhook-signature", want: "missing"},
}

func TestVerify(t *testing.T) {
	t.Parallel()
	sent := time.Unix(1614265330, 0)
	for _, tt := range verifyTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			h.Set("webhook-id", exampleID)
			h.Set("webhook-timestamp", fmt.Sprint(sent.Unix()))
			h.Set("webhook-signature", exampleSignature)
			h.Set(tt.header, tt.value)
			if tt.secrets == nil {
				tt.secrets = []string{exampleSecret}
			}
			if tt.body == "" {
				tt.body = exampleBody
			}
			keys, err := parseSecrets(tt.secrets)
			if err != nil {
				t.Fatal(err)
			}
			if got := verify(keys, h, []byte(tt.body), sent.Add(tt.late)); got != tt.want {
				t.Errorf("verify = %q, want %q", got, tt.want)
			}
		})
	}
}

// The memory of webhook-ids is bounded, oldest forgotten first.
func TestReceiveForgets(t *testing.T) {
	t.Parallel()
	r := &receiver{seen: map[string]*sighting{}}
	for i := range maxSeen + 1 {
		r.remember(fmt.Sprint(i), i+1)
	}
	if got := r.remember("1", 0); got.times != 2 {
		t.Errorf("a recent webhook-id was forgotten: %+v", got)
	}
	if got := r.remember("0", 0); got.times != 1 {
		t.Errorf("the oldest webhook-id was kept: %+v", got)
	}
	if len(r.seen) != maxSeen || len(r.order) != maxSeen {
		t.Errorf("%d and %d are remembered, want %d", len(r.seen), len(r.order), maxSeen)
	}
}
