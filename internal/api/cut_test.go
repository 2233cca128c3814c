package api

import (
	"net/url"
	"testing"

	"belfry/internal/pgtest"
)

// When the database goes away at the very end of an answer, whoever asked is told to
// come back: nothing panics, and nothing half read is taken for the whole.
func TestDatabaseGoesAwayAtTheEndOfAnAnswer(t *testing.T) {
	t.Parallel()
	var cut *pgtest.Cut
	h := newAPI(t, once, func(s *setup) {
		cut = pgtest.NewCut(t, s.dispatch.DB.Pool().Config().ConnString())
		s.api.DB = cut.DB
	})
	d := h.hook(t, newReceiver(t, says(200, "ok")).URL)
	alertID, id := h.accept1(t)
	h.await(t, id, DeliveryStatusDelivered)
	attempt := h.delivery(t, id).AttemptHistory[0].ID
	h.manyAlerts(t, d, 600)
	h.exec(t, `
		INSERT INTO audit_log (id, at, actor, action, subject_type, subject_id, detail, request_id)
		SELECT gen_random_uuid(), now(), 'ada', 'x', 'token', n::text, '{}', ''
		FROM generate_series(1, 600) AS n`)
	for _, path := range []string{
		alertsPath, alertsPath + "?type=POLICY", alertsPath + "?limit=1", alertsPath + "?q=many",
		deliveriesPath, deliveriesPath + "?type=POLICY", deliveriesPath + "?status=delivered&type=POLICY",
		deliveriesPath + "/counts", "/api/v1/audit", "/api/v1/audit?action=none", "/api/v1/audit?subjectType=token&actor=bob",
		alertsPath + "/" + url.PathEscape(alertID), alertsPath + "/" + url.PathEscape(alertID) + "/route",
		deliveriesPath + "/" + id.String(), deliveriesPath + "/" + id.String() + "/attempts/" + attempt.String(),
		destinationsPath, destinationsPath + "/" + d.ID.String(), destinationsPath + "/health",
		destinationsPath + "/" + d.ID.String() + "/health", "/api/v1/tokens", "/api/v1/bulk-resends", "/api/v1/server",
	} {
		answers := 0
		for ; answers < 20; answers++ {
			cut.After(answers)
			a := h.get(t, path)
			if !cut.Done() {
				if a.status != 200 {
					t.Errorf("%s, after %d answers, uncut: %d %s", path, answers, a.status, a.body)
				}
				break
			}
			if a.status != 503 || decode[Problem](t, a, 503).Code != ProblemCodeUnavailable {
				t.Errorf("%s, answer %d cut: %d %s", path, answers, a.status, a.body)
			}
		}
		if answers == 20 {
			t.Errorf("%s asks without end", path)
		}
	}
}
