package api

import (
	"context"

	"belfry/internal/postgres"
)

// ListAudit lists who did what, newest first.
func (s *Server) ListAudit(ctx context.Context, r ListAuditRequestObject) (ListAuditResponseObject, error) {
	p := r.Params
	n, before, err := pageID("listAudit", p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	list, rest, err := s.DB.AuditLog(ctx, postgres.AuditFilter{
		SubjectType: string(value(p.SubjectType)), SubjectID: value(p.SubjectID), Action: value(p.Action), Actor: value(p.Actor),
		From: value(p.From), To: value(p.To), Before: before, Limit: n + 1,
	})
	if err != nil {
		return nil, err
	}
	list, cursor := next("listAudit", list, n, func(e postgres.Entry) string { return e.ID.String() })
	answer := ListAudit200JSONResponse{Items: make([]AuditEntry, len(list)), NextCursor: orRest("listAudit", cursor, rest)}
	for i, e := range list {
		answer.Items[i] = AuditEntry{
			ID: e.ID, At: e.At.UTC(), Actor: e.Actor, Action: e.Action, SubjectType: AuditSubjectType(e.SubjectType),
			SubjectID: e.SubjectID, Detail: e.Detail, RequestID: e.RequestID,
		}
	}
	return answer, nil
}
