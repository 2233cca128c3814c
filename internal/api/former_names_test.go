package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// where posts an alert that names destinations, and returns the present names of
// those that it goes to, and the names that nobody has.
func (h *harness) where(t testing.TB, names ...string) (to string) {
	t.Helper()
	got := h.accept(t, object{"destinations": names})
	var list []string
	for _, d := range got.Deliveries {
		list = append(list, d.Destination.DisplayName)
	}
	for _, name := range got.UnknownDestinations {
		list = append(list, "?"+name)
	}
	return strings.Join(list, ",")
}

func (h *harness) wantWhere(t testing.TB, want string, names ...string) {
	t.Helper()
	if got := h.where(t, names...); got != want {
		t.Errorf("an alert that names %q goes to %q, want %q", names, got, want)
	}
}

func (h *harness) rename(t testing.TB, d CreatedDestination, to string) Destination {
	t.Helper()
	return decode[Destination](t, h.patch(t, destinationPath(d), js(object{"displayName": to})), 200)
}

func (h *harness) wantFormer(t testing.TB, d CreatedDestination, want ...string) {
	t.Helper()
	got := decode[Destination](t, h.get(t, destinationPath(d)), 200).FormerNames
	if diff := cmp.Diff(notNil(want), got); diff != "" {
		t.Errorf("former names (-want +got)\n%s", diff)
	}
}

// An alert that names a destination by a name that it had reaches it.
func TestFormerNames(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	a := h.hook(t, "http://a.test", object{"displayName": "Pager"})
	h.wantWhere(t, "Pager", "Pager")
	if got := h.rename(t, a, "Pager (new)").FormerNames; cmp.Diff([]string{"Pager"}, got) != "" {
		t.Errorf("answered former names %q", got)
	}
	h.wantWhere(t, "Pager (new)", "PAGER ")
	h.wantWhere(t, "Pager (new)", "Pager", "pager (NEW)", a.ID.String())
	h.rename(t, a, "On call")
	h.wantWhere(t, "On call", "Pager")
	h.wantWhere(t, "On call", "Pager (new)")
	h.rename(t, a, "ON CALL") // the same name
	h.wantFormer(t, a, "Pager", "Pager (new)")

	h.rename(t, a, "Pager") // back
	h.wantFormer(t, a, "Pager (new)", "ON CALL")
	h.wantWhere(t, "Pager", "Pager")
	h.wantWhere(t, "Pager", "on call")
	list := decode[DestinationList](t, h.get(t, "/api/v1/destinations"), 200)
	if diff := cmp.Diff([]string{"Pager (new)", "ON CALL"}, list.Items[0].FormerNames); diff != "" {
		t.Errorf("listed former names (-want +got)\n%s", diff)
	}
}

// A name means the destination that has it, or else the one that had it last; and
// nobody once that one is deleted.
func TestFormerNameTaken(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	a := h.hook(t, "http://a.test", object{"displayName": "SOC"})
	h.rename(t, a, "A")
	b := h.hook(t, "http://a.test", object{"displayName": "soc"})
	h.wantWhere(t, "soc", "SOC")
	h.wantFormer(t, a)
	h.rename(t, b, "B")
	h.wantWhere(t, "B", "SOC")
	h.wantFormer(t, a)
	h.wantFormer(t, b, "soc")
	h.rename(t, a, "SOC")
	h.wantWhere(t, "SOC", "SOC")
	h.wantFormer(t, b)
	wantStatus(t, h.delete(t, destinationPath(a)), 204)
	h.wantWhere(t, "?SOC,?A", "SOC", "A")
	h.wantFormer(t, b)
	wantStatus(t, h.delete(t, destinationPath(b)), 204)
	h.wantWhere(t, "?B,?soc", "B", "soc")
}

// A former name can be taken away, and none can be added.
func TestDropFormerNames(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	a := h.hook(t, "http://a.test", object{"displayName": "One"})
	for _, name := range []string{"Two", "Three", "Four"} {
		h.rename(t, a, name)
	}
	path := destinationPath(a)
	wantProblem(t, h.patch(t, path, `{"formerNames":["One","Other"]}`), 422, ProblemCodeInvalid, "formerNames[1]")
	wantProblem(t, h.patch(t, path, `{"formerNames":"One"}`), 422, ProblemCodeInvalid, "formerNames")
	wantStatus(t, h.patch(t, path, `{"formerNames":["THREE","One"]}`), 200)
	h.wantFormer(t, a, "One", "Three")
	h.wantWhere(t, "Four,?Two", "Two", "Three")
	wantStatus(t, h.patch(t, path, `{"formerNames":["Three"],"displayName":"Five"}`), 200)
	h.wantFormer(t, a, "Three", "Four")
	wantStatus(t, h.patch(t, path, `{"formerNames":null}`), 200)
	h.wantFormer(t, a)
	h.wantWhere(t, "?four", "four")
}

// Route explain says by which name a destination was meant.
func TestExplainFormerName(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	a := h.hook(t, "http://a.test", object{"displayName": "Before"})
	h.rename(t, a, "Now")
	for name, want := range map[string]string{
		"before":        "The alert names this destination, by a name that it had before.",
		"now":           "The alert names this destination.",
		a.ID.String():   "The alert names this destination.",
		"somebody else": "The alert names its destinations, and this is not one of them.",
	} {
		r := decode[ExplainedRoute](t, h.post(t, "/api/v1/route/explain", alertBody(object{"destinations": []string{name}})), 200)
		if got := r.Destinations[0].Why; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
