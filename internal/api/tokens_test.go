package api

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"belfry/internal/access"
	"belfry/internal/postgres"
)

const tokensPath = "/api/v1/tokens"

func (h *harness) createToken(t testing.TB, name string, changes ...change) CreatedToken {
	t.Helper()
	k := decode[CreatedToken](t, h.post(t, tokensPath, js(object{"name": name, "scopes": []string{"admin"}}), changes...), 201)
	h.keep(k.Secret)
	return k
}

func tokenPath(k CreatedToken) string { return tokensPath + "/" + k.ID.String() }

// What needs admin is refused to a token that another replica has revoked, however
// short a time ago; it could else make one that lives on.
func TestRevokedElsewhere(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	other := h.replica(t, func(*Config) {})
	for name, call := range map[string]func(changes ...change) answer{
		"create token": func(changes ...change) answer {
			return other.post(t, tokensPath, `{"name":"heir","scopes":["admin"]}`, changes...)
		},
		"revoke token": func(changes ...change) answer { return other.delete(t, tokensPath+"/"+anyID, changes...) },
		"end session":  func(changes ...change) answer { return other.delete(t, sessionsPath+"/"+anyID, changes...) },
		"create destination": func(changes ...change) answer {
			return other.post(t, destinationsPath, js(h.hookBody("http://a.test")), changes...)
		},
	} {
		k := h.createToken(t, name)
		wantStatus(t, other.get(t, sessionPath, as(k.Secret)), 200) // now it is known there
		wantStatus(t, h.delete(t, tokenPath(k)), 200)
		if a := call(as(k.Secret)); a.status != 401 {
			t.Errorf("%s: %d, want 401: %s", name, a.status, a.body)
		}
		wantProblem(t, other.get(t, sessionPath, as(k.Secret)), 401, ProblemCodeUnauthenticated) // and now it is forgotten
	}
	if n := h.count(t, `SELECT count(*) FROM api_tokens WHERE name = 'heir'`); n != 0 {
		t.Errorf("%d heirs", n)
	}
}

// A token is revoked, or a session ended, while it is making another: either the
// new one is there to be listed, or it is not made.
func TestRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	k := h.createToken(t, "short-lived")
	c := h.signIn(t, object{"code": h.code(t, time.Now().Add(time.Minute), access.Admin)})
	const waits = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	for name, x := range map[string]struct {
		by  change
		end func(*postgres.Tx) error
	}{
		"token": {as(k.Secret), func(tx *postgres.Tx) error {
			_, err := tx.RevokeToken(context.Background(), k.ID, time.Now())
			return err
		}},
		"session": {cookie(c), func(tx *postgres.Tx) error {
			_, err := tx.EndSessionOfKey(context.Background(), access.Hash(c.Value))
			return err
		}},
	} {
		answers := make(chan answer, 1)
		err := h.db.InTx(t.Context(), func(tx *postgres.Tx) error {
			if err := x.end(tx); err != nil {
				return err
			}
			go func() {
				answers <- h.post(t, tokensPath, js(object{"name": "heir " + name, "scopes": []string{"admin"}}), x.by)
			}()
			until(t, "it waits for the end", func() bool { return h.count(t, waits) == 1 })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wantProblem(t, <-answers, 401, ProblemCodeUnauthenticated)
	}
}

// Of two tokens that revoke each other at the same moment, or of one that revokes itself
// twice, one call is done and the other refused.
func TestRevokedByEachOther(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	const waits = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	for name, other := range map[string]bool{"each other": true, "itself": false} {
		a, b := h.createToken(t, name+" a"), h.createToken(t, name+" b")
		calls := [][2]CreatedToken{{a, b}, {b, a}} // who, and whom
		if !other {
			calls = [][2]CreatedToken{{a, a}, {a, a}}
		}
		answers := make(chan answer, len(calls))
		err := h.db.InTx(t.Context(), func(tx *postgres.Tx) error {
			for _, k := range []CreatedToken{a, b} {
				if err := tx.TouchToken(t.Context(), k.ID, time.Now()); err != nil {
					return err
				}
			}
			for i, call := range calls {
				go func() { answers <- h.delete(t, tokenPath(call[1]), as(call[0].Secret)) }()
				until(t, "it waits", func() bool { return h.count(t, waits) == i+1 })
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got := []int{(<-answers).status, (<-answers).status}
		slices.Sort(got)
		if !slices.Equal(got, []int{200, 401}) {
			t.Errorf("%s: %d, want one done and one refused", name, got)
		}
	}
}

// lineage makes tokens that made each other: root made a and, through a session,
// b; a made c; c made d, and was revoked.
func (h *harness) lineage(t testing.TB) map[string]CreatedToken {
	t.Helper()
	made := map[string]CreatedToken{}
	made["root"] = h.createToken(t, h.newName("root"))
	made["a"] = h.createToken(t, h.newName("a"), as(made["root"].Secret))
	made["b"] = h.createToken(t, h.newName("b"), cookie(h.signIn(t, object{"token": made["root"].Secret})))
	made["c"] = h.createToken(t, h.newName("c"), as(made["a"].Secret))
	made["d"] = h.createToken(t, h.newName("d"), as(made["c"].Secret))
	h.createToken(t, h.newName("stranger"))
	for child, parent := range map[string]string{"a": "root", "b": "root", "c": "a", "d": "c"} {
		if id := made[child].CreatedByTokenID; id == nil || *id != made[parent].ID {
			t.Errorf("%s was created by %v, want %s", child, id, parent)
		}
	}
	if revoked := decode[RevokedToken](t, h.delete(t, tokenPath(made["c"])), 200); len(revoked.Created) != 1 || revoked.Created[0].ID != made["d"].ID {
		t.Errorf("revoked %+v", revoked)
	}
	return made
}

func namesOf(tokens []Token) []string {
	var names []string
	for _, k := range tokens {
		names = append(names, k.Name)
	}
	return names
}

// Whoever revokes a token learns what it made, and can revoke that with it.
func TestRevokeWithCreated(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	made := h.lineage(t)
	h.signIn(t, object{"token": made["a"].Secret})
	plain := decode[RevokedToken](t, h.delete(t, tokenPath(made["root"])), 200)
	if diff := cmp.Diff([]string{"a", "b", "d"}, namesOf(plain.Created)); diff != "" || plain.SessionsEnded != 1 || plain.Token.RevokedAt == nil {
		t.Errorf("%d sessions ended; created (-want +got):\n%s", plain.SessionsEnded, diff)
	}
	for _, name := range []string{"a", "b", "d"} {
		wantStatus(t, h.get(t, sessionPath, as(made[name].Secret)), 200)
	}
	// Once more, for what lives on.
	all := decode[RevokedToken](t, h.delete(t, tokenPath(made["root"])+"?cascade=true"), 200)
	if diff := cmp.Diff([]string{"a", "b", "d"}, namesOf(all.Created)); diff != "" || all.SessionsEnded != 1 || !all.Token.RevokedAt.Equal(*plain.Token.RevokedAt) {
		t.Errorf("%d sessions ended; created (-want +got):\n%s", all.SessionsEnded, diff)
	}
	for _, k := range all.Created {
		if k.RevokedAt == nil {
			t.Errorf("%s is not revoked", k.Name)
		}
	}
	for name, k := range made {
		if a := h.get(t, sessionPath, as(k.Secret)); a.status != 401 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if left := decode[RevokedToken](t, h.delete(t, tokenPath(made["root"])+"?cascade=true"), 200); len(left.Created) != 0 {
		t.Errorf("left %+v", left.Created)
	}
	if got, want := actions(h.audit(t, "action=token.revoke")), "token.revoke token.revoke token.revoke token.revoke token.revoke"; got != want {
		t.Errorf("audit log %q, want one entry for each token", got)
	}
	if n := h.count(t, `SELECT count(*) FROM api_tokens WHERE revoked_at IS NULL`); n != 2 {
		t.Errorf("%d tokens are valid, want the admin's and the stranger", n)
	}
	wantProblem(t, h.delete(t, tokenPath(made["root"])+"?cascade=perhaps&x=1"), 422, ProblemCodeInvalid, "cascade", "x")
}

// What a token is just making when it is revoked with all that it made, goes too.
func TestRevokeWithWhatIsBeingMade(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	root := h.createToken(t, "root")
	child := h.createToken(t, "child", as(root.Secret))
	const waits = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	answers := make(chan answer, 1)
	err := h.db.InTx(t.Context(), func(tx *postgres.Tx) error {
		if err := tx.Confirm(t.Context(), access.Caller{TokenID: child.ID}); err != nil {
			return err
		}
		_, hash := access.NewToken()
		grandchild := access.Token{ID: uuid.Must(uuid.NewV7()), Name: "grandchild", Scopes: []access.Scope{access.Admin}, CreatedAt: time.Now(), CreatorID: child.ID}
		if err := tx.InsertToken(t.Context(), grandchild, hash); err != nil {
			return err
		}
		go func() { answers <- h.delete(t, tokenPath(root)+"?cascade=true") }()
		until(t, "the revocation waits", func() bool { return h.count(t, waits) == 1 })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"child", "grandchild"}, namesOf(decode[RevokedToken](t, <-answers, 200).Created)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Two tokens that are valid never have one name, and none has one of Belfry's.
func TestTokenNames(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	k := h.createToken(t, "Detection Engine")
	for _, name := range []string{"Detection Engine", " detection engine ", "DETECTION ENGINE", "ＤＥＴＥＣＴＩＯＮ engine"} {
		wantProblem(t, h.post(t, tokensPath, js(object{"name": name, "scopes": []string{"read"}})), 409, ProblemCodeNameTaken, "name")
	}
	wantStatus(t, h.delete(t, tokenPath(k)), 200)
	again := h.createToken(t, "detection engine")
	wantStatus(t, h.delete(t, tokenPath(k)), 200) // the former one's end is not its
	wantStatus(t, h.get(t, sessionPath, as(again.Secret)), 200)
	for _, name := range []string{
		access.AdminTokenName, "belfry_admin_token", " Belfry-Admin Token ", "ＢＥＬＦＲＹ_ADMIN_TOKEN", "belfry dev", "Belfry Init", "belfry token", "Belfry",
	} {
		wantProblem(t, h.post(t, tokensPath, js(object{"name": name, "scopes": []string{"read"}})), 422, ProblemCodeInvalid, "name")
	}
	for _, name := range []string{"belfry_admin_token 2", "belfry staging", "my belfry"} {
		h.createToken(t, name)
	}
	if list := decode[TokenList](t, h.get(t, tokensPath), 200).Items; !slices.ContainsFunc(list, func(k Token) bool { return k.CreatedByTokenID != nil }) {
		t.Errorf("nobody made %+v", list)
	}
}

// Several that ask for one name at once: one gets it.
func TestTokenNameOnce(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	statuses := make(chan int, 6)
	for i := range 6 {
		go func() {
			statuses <- h.post(t, tokensPath, js(object{"name": "Once", "scopes": []string{"read"}}), with("X-Request-Id", fmt.Sprint(i))).status
		}()
	}
	count := map[int]int{}
	for range 6 {
		count[<-statuses]++
	}
	if diff := cmp.Diff(map[int]int{201: 1, 409: 5}, count); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
