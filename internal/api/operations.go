package api

import "belfry/internal/access"

// operation is what an operation of openapi.yaml asks of a caller, and what it gives.
type operation struct {
	scope  access.Scope // that a caller needs; anyScope: to be signed in is enough
	public bool         // anybody may call it
	opens  bool         // a setting makes it public

	// fresh: the token is read from the database, as for all operations that need admin.
	// A token that was revoked seconds ago on another replica must not end sessions.
	fresh bool
	// lasting: the call has no timeout, because the caller decides how long it takes: by
	// waiting, by settings, or by how much there is to discard.
	lasting bool

	body bodyKind
}

// bodyKind says how large the body of a call may be, and which budget of bytes it is read
// and worked within.
type bodyKind int

const (
	commonBody    bodyKind = iota // 1 MiB, from the budget of all calls but those below
	ingestBody                    // 1 MiB, from the budget of calls with alerts; of these only so many are worked at a time
	batchBody                     // 16 MiB, like ingestBody
	anonymousBody                 // 4 KiB, from the budget of callers that are not known yet
	noBody                        // none is read, and any query is let through: probes and browsers call it
)

// operations are all of openapi.yaml, in its order.
var operations = map[string]operation{
	"postAlert":          {scope: access.Ingest, body: ingestBody},
	"listAlerts":         {scope: access.Read},
	"postAlerts":         {scope: access.Ingest, body: batchBody},
	"getAlert":           {scope: access.Read},
	"sendAlert":          {scope: access.Operate},
	"explainStoredAlert": {scope: access.Read},

	"listDeliveries":  {scope: access.Read},
	"countDeliveries": {scope: access.Read},
	"getDelivery":     {scope: access.Read},
	"getAttempt":      {scope: access.Read},
	"resendDelivery":  {scope: access.Operate},
	"sendDeliveryNow": {scope: access.Operate},
	"cancelDelivery":  {scope: access.Operate},

	"startBulkResend":  {scope: access.Operate},
	"listBulkResends":  {scope: access.Read},
	"getBulkResend":    {scope: access.Read},
	"pauseBulkResend":  {scope: access.Operate},
	"resumeBulkResend": {scope: access.Operate},
	"cancelBulkResend": {scope: access.Operate},

	"listDestinationTypes":    {scope: access.Read},
	"listDestinations":        {scope: access.Read},
	"createDestination":       {scope: access.Admin},
	"testSettings":            {scope: access.Admin, lasting: true},
	"listUnknownDestinations": {scope: access.Read},
	"listDestinationHealth":   {scope: access.Read},
	"getDestination":          {scope: access.Read},
	"patchDestination":        {scope: access.Admin},
	"deleteDestination":       {scope: access.Admin},
	"countAlertsNaming":       {scope: access.Read},
	"getDestinationHealth":    {scope: access.Read},
	"pauseDestination":        {scope: access.Operate},
	"resumeDestination":       {scope: access.Operate, lasting: true},
	"testDestination":         {scope: access.Operate, lasting: true},
	"rotateSigningSecret":     {scope: access.Admin},
	"explainRoute":            {scope: access.Read},

	"signIn":       {public: true, body: anonymousBody},
	"getSession":   {scope: anyScope},
	"signOut":      {scope: anyScope},
	"listSessions": {scope: anyScope, fresh: true},
	"endSession":   {scope: anyScope, fresh: true},
	"listTokens":   {scope: access.Admin},
	"createToken":  {scope: access.Admin},
	"revokeToken":  {scope: access.Admin},
	"listAudit":    {scope: access.Operate},

	"getServer":    {scope: access.Read},
	"streamEvents": {scope: access.Read, lasting: true},
	"getHealth":    {public: true, body: noBody},
	"getReadiness": {public: true, body: noBody},
	"getProfile":   {scope: access.Admin, lasting: true},
	"getMetrics":   {scope: access.Read, opens: true, body: noBody},
	"getOpenAPI":   {public: true, body: noBody},
	"getDocs":      {public: true, body: noBody},
}

// withAlerts reports whether such a body holds alerts.
func (k bodyKind) withAlerts() bool { return k == ingestBody || k == batchBody }

// limit is how many bytes such a body may have.
func (k bodyKind) limit() int64 {
	switch k {
	case batchBody:
		return maxBatch
	case anonymousBody:
		return maxSignIn
	}
	return maxBody
}
