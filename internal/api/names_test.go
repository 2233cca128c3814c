package api

import (
	"strings"
	"testing"
)

// A name that looks like another one, or like nothing, is refused with what is
// wrong with it, of destinations and of tokens.
func TestNamesThatMislead(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test", object{"displayName": "PagerDuty"})
	h.hook(t, "http://a.test", object{"displayName": "COC"})
	for name, want := range map[string]string{
		"Pager\u200bDuty": "U+200B ZERO WIDTH SPACE (6th character)",
		"PagerDuty\u202e": "U+202E RIGHT-TO-LEFT OVERRIDE (10th character)",
		"P\u0430gerDuty":  "U+0430 CYRILLIC SMALL LETTER A (2nd character)",
		"a\nb":            "U+000A <control> (2nd character)",
	} {
		for field, a := range map[string]answer{
			"displayName": h.post(t, "/api/v1/destinations", js(object{"displayName": name, "type": "webhook", "settings": object{"url": "http://a.test"}})),
			"name":        h.post(t, "/api/v1/tokens", js(object{"name": name, "scopes": []string{"read"}})),
		} {
			p := wantProblem(t, a, 422, ProblemCodeInvalid, field)
			if len(p.Errors) == 1 && !strings.Contains(p.Errors[0].Message, want) {
				t.Errorf("%+q: %s, want %s", name, p.Errors[0].Message, want)
			}
		}
		wantProblem(t, h.patch(t, destinationPath(d), js(object{"displayName": name})), 422, ProblemCodeInvalid, "displayName")
	}
	wantStatus(t, h.post(t, "/api/v1/tokens", js(object{"name": "SOC チーム 🚨", "scopes": []string{"read"}})), 201)

	for name, like := range map[string]string{"\u0421\u041e\u0421": "COC", "P\u0251gerDuty": "PagerDuty"} {
		body := js(object{"displayName": name, "type": "webhook", "settings": object{"url": "http://a.test"}})
		p := wantProblem(t, h.post(t, "/api/v1/destinations", body), 422, ProblemCodeInvalid, "displayName")
		if len(p.Errors) == 1 && !strings.Contains(p.Errors[0].Message, like) {
			t.Errorf("%+q: %s", name, p.Errors[0].Message)
		}
		other := h.hook(t, "http://a.test")
		wantProblem(t, h.patch(t, destinationPath(other), js(object{"displayName": name})), 422, ProblemCodeInvalid, "displayName")
	}
	h.rename(t, d, "P\u0251gerDuty") // nobody else has what it looks like
}

// A destination that was given such a name before can be changed without giving it
// another.
func TestOldNameStays(t *testing.T) {
	t.Parallel()
	h := newAPI(t, idle)
	d := h.hook(t, "http://a.test")
	const old = "Pager\u200bDuty"
	h.exec(t, `UPDATE destinations SET display_name = $2, name_key = lower($2) WHERE id = $1`, d.ID, old)
	path := destinationPath(d)
	wantStatus(t, h.patch(t, path, `{"severities":["LOW"]}`), 200)
	wantStatus(t, h.patch(t, path, js(object{"displayName": old, "severities": []string{"HIGH"}})), 200)
	h.wantWhere(t, old, old)
	wantProblem(t, h.patch(t, path, js(object{"displayName": old + "!"})), 422, ProblemCodeInvalid, "displayName")
	h.rename(t, d, "PagerDuty")
	h.wantFormer(t, d, old)
	h.wantWhere(t, "PagerDuty", old)
}
