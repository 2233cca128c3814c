package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"belfry/internal/access"
)

const anyID = "0193511e-7b2a-7c51-9f0e-3f6f0b8d2a11"

// concrete fills in the parameters of a path.
func concrete(path string) string {
	return strings.NewReplacer("{id}", anyID, "{attemptId}", anyID, "{alertId}", "none").Replace(path)
}

// Whoever has a scope may make the calls that need it, and no others.
func TestScopes(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	may := map[string][]access.Scope{
		"":        access.Scopes(),
		"ingest":  {access.Ingest, access.Admin},
		"read":    {access.Read, access.Operate, access.Admin},
		"operate": {access.Operate, access.Admin},
		"admin":   {access.Admin},
	}
	tokens := map[access.Scope]string{}
	for _, s := range access.Scopes() {
		tokens[s] = h.token(t, s)
	}
	for path, item := range loadContract(t).Paths.Map() {
		for method, op := range item.Operations() {
			if len(*op.Security) == 0 {
				if a := h.call(t, method, concrete(path), "", anonymous); a.status == 401 || a.status == 403 {
					t.Errorf("%s: %d without a token", op.OperationID, a.status)
				}
				continue
			}
			need := ""
			for _, list := range (*op.Security)[0] {
				need = strings.Join(list, " ")
			}
			for name, c := range map[string]change{
				"no token":        anonymous,
				"unknown token":   as("belfry_x"),
				"another scheme":  with("Authorization", "Basic "+h.admin),
				"no scheme":       with("Authorization", h.admin),
				"unknown session": cookie(&http.Cookie{Name: sessionCookie, Value: "belfrys_x"}),
				"token as cookie": cookie(&http.Cookie{Name: sessionCookie, Value: h.admin}),
				"bad token beats": func(r *http.Request) { as("x")(r); r.AddCookie(&http.Cookie{Name: sessionCookie, Value: "x"}) },
			} {
				if a := h.call(t, method, concrete(path), "", c); a.status != 401 {
					t.Errorf("%s, %s: %d, want 401", op.OperationID, name, a.status)
				}
			}
			target := concrete(path)
			if op.OperationID == "streamEvents" {
				target += "?wrong=1" // a stream that begins would not end
			}
			for scope, token := range tokens {
				a := h.call(t, method, target, "", as(token))
				if refused := a.status == 403; refused == slices.Contains(may[need], scope) || a.status == 401 {
					t.Errorf("%s needs %q: %d with %s", op.OperationID, need, a.status, scope)
				}
			}
		}
	}
}

// A caller without the scope learns nothing: neither of the body nor of what is
// stored.
func TestScopeIsCheckedFirst(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	reader := as(h.token(t, access.Read))
	for _, body := range []string{"", "{", `{"displayName":1}`, strings.Repeat("x", 2<<20)} {
		wantProblem(t, h.post(t, destinationsPath, body, reader), 403, ProblemCodeForbidden)
		wantProblem(t, h.post(t, destinationsPath, body, anonymous), 401, ProblemCodeUnauthenticated)
	}
	wantProblem(t, h.patch(t, destinationsPath+"/x", "", reader), 403, ProblemCodeForbidden)
}

func TestTokenLifecycle(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	a := h.post(t, "/api/v1/tokens", `{"name":" detection engine ","scopes":["read","ingest","read"]}`)
	created := decode[CreatedToken](t, a, 201)
	h.keep(created.Secret)
	if created.Name != "detection engine" || !slices.Equal(created.Scopes, []Scope{ScopeRead, ScopeIngest}) || created.RevokedAt != nil || created.CreatedBy != "[admin]" {
		t.Errorf("created %+v", created.Token)
	}
	me := decode[Session](t, h.get(t, "/api/v1/session", as(created.Secret)), 200)
	if me.Name != "detection engine" || me.Kind != SessionKindToken || me.ExpiresAt != nil || len(me.Scopes) != 2 {
		t.Errorf("session %+v", me)
	}

	list := decode[TokenList](t, h.get(t, "/api/v1/tokens"), 200)
	if len(list.Items) != 2 || list.Items[0].ID != created.ID || list.Items[0].LastUsedAt == nil {
		t.Errorf("tokens %+v, want the newest first, used", list.Items)
	}
	path := "/api/v1/tokens/" + created.ID.String()
	for range 2 { // revoked twice is revoked once
		done := decode[RevokedToken](t, h.delete(t, path), 200)
		if done.Token.ID != created.ID || done.Token.RevokedAt == nil || len(done.Created) != 0 {
			t.Errorf("revoked %+v", done)
		}
		wantProblem(t, h.get(t, "/api/v1/session", as(created.Secret)), 401, ProblemCodeUnauthenticated)
	}
	revoked := decode[TokenList](t, h.get(t, "/api/v1/tokens"), 200).Items[0]
	if revoked.RevokedAt == nil || revoked.ID != created.ID {
		t.Errorf("revoked %+v", revoked)
	}
	wantProblem(t, h.delete(t, "/api/v1/tokens/"+anyID), 404, ProblemCodeNotFound)
	wantProblem(t, h.delete(t, "/api/v1/tokens/x"), 400, ProblemCodeMalformed, "id")
	log := h.texts(t, `SELECT action || ' ' || subject_id || ' ' || detail FROM audit_log ORDER BY id`)
	if len(log) != 2 || log[0] != `token.create `+created.ID.String()+` {"name":"detection engine","scopes":["read","ingest"]}` ||
		!strings.HasPrefix(log[1], "token.revoke "+created.ID.String()) || len(h.leaked(strings.Join(log, ""))) > 0 {
		t.Errorf("audit log %q", log)
	}
}

func TestWrongTokens(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	for body, fields := range map[string][]string{
		`{}`:                                   {"name", "scopes"},
		`{"name":" ","scopes":[]}`:             {"name", "scopes"},
		`{"name":null,"scopes":null}`:          {"name", "scopes"},
		`{"name":"a\u0000","scopes":["root"]}`: {"name", "scopes"},
		`{"name":1,"scopes":["root"]}`:         {"name", "scopes"},
		`{"name":"","scopes":"read"}`:          {"name", "scopes"},
		`{"name":"a\nb","scopes":["read"]}`:    {"name"},
		`{"name":"a","scopes":[null]}`:         {"scopes"},
		`{"name":"a","scopes":["READ"]}`:       {"scopes"},
		`{"name":"a","scopes":["read"],"x":1}`: {"x"},
		js(object{"name": strings.Repeat("é", 101), "scopes": []string{"read"}}): {"name"},
	} {
		wantProblem(t, h.post(t, "/api/v1/tokens", body), 422, ProblemCodeInvalid, fields...)
	}
	if n := h.count(t, `SELECT count(*) FROM api_tokens`); n != 1 {
		t.Errorf("%d tokens are stored, want the admin's", n)
	}
	name := strings.Repeat("é", 100)
	if k := decode[CreatedToken](t, h.post(t, "/api/v1/tokens", js(object{"name": name, "scopes": []string{"read"}})), 201); k.Name != name {
		t.Errorf("name %q", k.Name)
	}
}

// The token of the settings is admin without being stored.
func TestAdminTokenOfTheSettings(t *testing.T) {
	t.Parallel()
	const token = "open sesame"
	h := newAPI(t, idle, func(s *setup) { s.api.AdminToken = token })
	h.keep(token)
	me := decode[Session](t, h.get(t, "/api/v1/session", as(token)), 200)
	if me.Name != "BELFRY_ADMIN_TOKEN" || !slices.Equal(me.Scopes, []Scope{ScopeAdmin}) {
		t.Errorf("session %+v", me)
	}
	wantStatus(t, h.post(t, "/api/v1/tokens", `{"name":"a","scopes":["read"]}`, as(token)), 201)
	if list := decode[TokenList](t, h.get(t, "/api/v1/tokens", as(token)), 200); len(list.Items) != 2 || list.Items[0].CreatedBy != "BELFRY_ADMIN_TOKEN" {
		t.Errorf("tokens %+v", list.Items)
	}
	wantStatus(t, h.get(t, "/api/v1/session", as(token+"x")), 401)

	none := newAPI(t, idle)
	for _, empty := range []string{"Bearer", "Bearer ", "bearer  "} {
		wantStatus(t, none.get(t, "/api/v1/session", with("Authorization", empty)), 401)
	}
}

// A call that was under way while its token was revoked must not make the token
// valid again.
func TestRevokedTokenStaysForgotten(t *testing.T) {
	t.Parallel()
	cache := newTokenCache(time.Now)
	before := cache.age()
	cache.forget()
	cache.put([]byte("late"), access.Caller{TokenID: uuid.New()}, before)
	if _, ok := cache.get([]byte("late")); ok {
		t.Error("what was read before the revocation is kept")
	}
	cache.put([]byte("early"), access.Caller{TokenID: uuid.New()}, cache.age())
	if _, ok := cache.get([]byte("early")); !ok {
		t.Error("what was read since is not kept")
	}
}

// A heartbeat that fails has callers forgotten: the database that answers next may not
// know their tokens.
func TestCallersAreForgottenWithAHeartbeat(t *testing.T) {
	t.Parallel()
	now := time.Now() // and stays so: nothing is forgotten because it is old
	h := newAPI(t, idle, func(s *setup) { s.api.Now = func() time.Time { return now } })
	reader := as(h.token(t, access.Read))
	wantStatus(t, h.get(t, alertsPath, reader), 200)
	h.exec(t, `DELETE FROM api_tokens WHERE scopes = '{read}'`)
	wantStatus(t, h.get(t, alertsPath, reader), 200) // known for some seconds
	failing, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.dispatcher.Cluster.Heartbeat(failing); err == nil {
		t.Fatal("the heartbeat did not fail")
	}
	wantProblem(t, h.get(t, alertsPath, reader), 401, ProblemCodeUnauthenticated)
}

func TestTokenCacheForgets(t *testing.T) {
	t.Parallel()
	now := time.Now()
	cache := newTokenCache(func() time.Time { return now })
	cache.put([]byte("a"), access.Caller{}, cache.age())
	if now = now.Add(tokenCacheFor - 1); !has(cache, "a") {
		t.Error("forgotten too early")
	}
	if now = now.Add(1); has(cache, "a") {
		t.Error("kept too long")
	}
	for i := range tokenCacheMax + 1 {
		cache.put(access.Hash(uuid.NewString()), access.Caller{}, cache.age())
		if n := cache.known.Len(); n > tokenCacheMax {
			t.Fatalf("%d callers are kept after %d more", n, i)
		}
	}
}

func has(c *tokenCache, hash string) bool { _, ok := c.get([]byte(hash)); return ok }
