package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"belfry/internal/access"
	"belfry/internal/inbound"
)

// from makes the call from an address, behind a proxy.
func from(address string) change { return with("X-Forwarded-For", address) }

// strict lets three wrong ones pass, at a clock that moves only when it is told to.
func strict(clock *time.Time) option {
	return func(s *setup) {
		now := func() time.Time { return *clock }
		s.api.AdminToken, s.api.Now = firstAdmin, now
		s.api.Proxies = inbound.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
		s.api.GuessLimiter = access.NewGuessLimiter(3, now)
	}
}

// Whoever shows what is not valid again and again is looked at seldom, in
// whichever way; whoever shares the address goes on.
func TestFailuresAreLimited(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	h := newAPI(t, idle, strict(&clock))
	h.keep(firstAdmin)
	wrongForm := func(form url.Values) func(changes ...change) answer {
		return func(changes ...change) answer { return h.submit(t, form, changes...) }
	}
	call := func(body string) func(changes ...change) answer {
		return func(changes ...change) answer {
			return h.post(t, sessionPath, body, append([]change{anonymous}, changes...)...)
		}
	}
	n := 0
	for name, wrong := range map[string]func(changes ...change) answer{
		"bearer": func(changes ...change) answer {
			return h.get(t, alertsPath, append([]change{as("a guess")}, changes...)...)
		},
		"bearer of an admin": func(changes ...change) answer {
			return h.post(t, tokensPath, "{", append([]change{as("a guess")}, changes...)...)
		},
		"sign-in":           call(`{"token":"a guess"}`),
		"code":              call(`{"code":"a guess"}`),
		"form with a token": wrongForm(url.Values{"token": {"a guess"}}),
		"form with a code":  wrongForm(url.Values{"code": {"a guess"}}),
	} {
		n++
		office, home := from(fmt.Sprintf("192.0.2.%d", n)), from(fmt.Sprintf("192.0.2.%d", 100+n))
		clock = clock.Add(time.Hour)
		for i := range 5 {
			want := 401
			if i >= 3 {
				want = 429
			}
			if a := wrong(office); a.status != want || want == 429 && a.header.Get("Retry-After") != "6" {
				t.Errorf("%s, number %d: %d, Retry-After %q", name, i+1, a.status, a.header.Get("Retry-After"))
			}
		}
		fresh := h.token(t, access.Read)
		wantStatus(t, h.get(t, alertsPath, as(fresh), office), 200) // no guess
		wantStatus(t, h.get(t, alertsPath, anonymous, office), 401) // nothing was shown
		for range 10 {                                              // an old session is none either
			wantStatus(t, h.get(t, alertsPath, cookie(&http.Cookie{Name: sessionCookie, Value: "belfrys_old"}), office), 401)
		}
		wantStatus(t, wrong(home), 401)
		if n == 1 {
			wantProblem(t, h.get(t, alertsPath, as(firstAdmin), office), 429, ProblemCodeRateLimited) // it could be one
		}
		wantStatus(t, h.get(t, alertsPath, as(firstAdmin), home), 200)
		clock = clock.Add(tokenCacheFor) // else it would not be looked up
		wantStatus(t, h.get(t, alertsPath, as(firstAdmin), office), 200)
		clock = clock.Add(2 * time.Second)
		wantStatus(t, wrong(office), 401)
		wantStatus(t, wrong(office), 429)
	}
	wantStatus(t, h.get(t, alertsPath, as("a guess"), from("2001:db8::1")), 401)
	for range 3 {
		h.get(t, alertsPath, as("a guess"), from("2001:db8::2"))
	}
	wantStatus(t, h.get(t, alertsPath, as("a guess"), from("2001:db8::3")), 429) // one host has a whole network
}

// What failed is counted by reason, logged now and then, and in the audit log with
// one entry for each address.
func TestFailuresAreTold(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	h := newAPI(t, idle, strict(&clock))
	secret := "a guess that is nearly right"
	h.keep(secret)
	k := h.createToken(t, "retired")
	wantStatus(t, h.delete(t, tokenPath(k)), 200)
	office := from("192.0.2.7")
	for range 5 {
		h.get(t, alertsPath, as(secret), office)
	}
	h.get(t, alertsPath, as(k.Secret), from("192.0.2.8"))
	h.get(t, alertsPath, with("Authorization", "Basic eDp5"), from("192.0.2.8"), with("X-Request-Id", "last-one"))
	h.get(t, alertsPath, cookie(&http.Cookie{Name: sessionCookie, Value: secret}), from("192.0.2.9"))
	h.get(t, alertsPath, anonymous, from("192.0.2.9"))
	h.post(t, sessionPath, js(object{"code": secret}), anonymous, from("2001:db8::9"))

	metrics := string(h.get(t, "/metrics").body)
	for why, n := range map[reason]int{wrongToken: 3, limited: 2, revokedToken: 1, wrongScheme: 1, wrongSession: 1, wrongCode: 1} {
		if line := fmt.Sprintf(`belfry_authentication_failures_total{reason="%s"} %d`+"\n", why, n); !strings.Contains(metrics, line) {
			t.Errorf("metrics do not say %s", line)
		}
	}
	log := h.log.text()
	if strings.Count(log, "authentication failed") != 5 || strings.Count(log, `"level":"WARN","msg":"authentication failed"`) != 5 ||
		!strings.Contains(log, `"reason":"revoked","client_address":"192.0.2.8","not_logged":0,"token_id":"`+k.ID.String()) {
		t.Errorf("the log has not one line for each reason:\n%s", log)
	}

	if n := h.count(t, `SELECT count(*) FROM audit_log WHERE action = 'authentication.fail'`); n != 0 {
		t.Errorf("%d entries before the minute is over", n)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	h.config.Failures.Run(ended) // as when the server stops
	got := map[string]any{}
	for _, e := range h.audit(t, "subjectType=authentication") {
		if e.Action != "authentication.fail" || e.Actor != e.SubjectID || e.RequestID == "" {
			t.Errorf("entry %+v", e)
		}
		detail := e.Detail.(object)
		got[e.SubjectID] = fmt.Sprint(detail["count"], detail["reasons"])
	}
	want := map[string]any{
		"192.0.2.7": "5 map[limited:2 token:3]", "192.0.2.8": "2 map[revoked:1 scheme:1]", "2001:db8::/64": "1 map[code:1]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
	h.config.Failures.Run(ended)
	if n := len(h.audit(t, "subjectType=authentication")); n != 3 {
		t.Errorf("%d entries, want nothing told twice", n)
	}
}

// A flood from everywhere makes a bounded number of entries, and one that cannot
// be written is not lost.
func TestManyFailures(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	f := NewFailures(h.db, h.log.logger(slog.LevelError), prometheus.NewRegistry(), time.Now)
	for i := range 1000 {
		f.note(t.Context(), netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), wrongToken)
	}
	h.exec(t, `ALTER TABLE audit_log RENAME TO away`)
	f.summarize(t.Context())
	h.exec(t, `ALTER TABLE away RENAME TO audit_log`)
	f.note(t.Context(), netip.MustParsePrefix("10.0.0.1/32"), wrongToken)
	f.summarize(t.Context())
	const told = `FROM audit_log WHERE action = 'authentication.fail'`
	entries, failures := h.count(t, `SELECT count(*) `+told), h.count(t, `SELECT sum((detail::json->>'count')::int) `+told)
	others := h.count(t, `SELECT sum((detail::json->>'count')::int) `+told+` AND subject_id = 'other addresses'`)
	if entries != maxTallies+1 || failures != 1001 || others != 900 {
		t.Errorf("%d entries of %d failures, %d of them of others", entries, failures, others)
	}
}

// What could not be written is summed up with what has failed meanwhile.
func TestFailuresMeanwhile(t *testing.T) {
	t.Parallel()
	began := time.Now().UTC().Truncate(time.Second)
	h, now, office := newAPI(t, idle), began, netip.MustParsePrefix("192.0.2.7/32")
	f := NewFailures(h.db, h.log.logger(slog.LevelError), prometheus.NewRegistry(), func() time.Time { return now })
	f.note(t.Context(), office, wrongToken)
	f.note(t.Context(), office, wrongToken)
	unwritten := f.tallies
	f.tallies = map[netip.Prefix]*tally{}
	now = began.Add(time.Minute)
	f.note(t.Context(), office, wrongToken)
	f.note(t.Context(), office, wrongCode)
	f.putBack(unwritten)
	f.summarize(t.Context())
	var got []any
	for _, e := range h.audit(t, "subjectType=authentication") {
		got = append(got, e.Detail)
	}
	want := []any{object{
		"count": 4.0, "reasons": object{"token": 3.0, "code": 1.0},
		"from": began.Format(time.RFC3339), "to": now.Format(time.RFC3339),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// docs/operating.md explains each reason that the metric has, and no other.
func TestReasonsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, row, found := strings.Cut(string(page), "\n| `belfry_authentication_failures_total{reason}` |")
	if !found {
		t.Fatal("the metric is not in the table")
	}
	row, _, _ = strings.Cut(row, "\n")
	var documented []string
	for _, m := range regexp.MustCompile("`([a-z_]+)`:").FindAllStringSubmatch(row, -1) {
		documented = append(documented, m[1])
	}
	var has []string
	for _, r := range reasons {
		has = append(has, string(r))
	}
	slices.Sort(documented)
	slices.Sort(has)
	if !slices.Equal(documented, has) {
		t.Errorf("documented are %v, the metric has %v", documented, has)
	}
}
