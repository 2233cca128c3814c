package api

import "belfry/internal/access"

// operation is what an operation of openapi.yaml asks of a caller, and what it gives.
type operation struct {
	scope  access.Scope // that a caller needs; anyScope: to be signed in is enough
	public bool         // anybody may make it
	opens  bool         // a setting makes it public

	// fresh: the token is looked up anew, as for all operations that need admin. One
	// that was revoked seconds ago on another replica must not end sessions.
	fresh bool
	// lasting: the caller decides how long it takes, by waiting, by settings, or by how
	// much there is to discard.
	lasting bool

	room room
}

// room is where a call waits and is counted, while its body is read and worked.
type room int

const (
	commonRoom   room = iota // 1 MiB, beside all other calls but those below
	alertRoom                // 1 MiB, beside calls with alerts, of which only so many are worked at a time
	batchRoom                // 16 MiB, like alertRoom
	strangerRoom             // 4 KiB, beside others of callers that are not known yet
	noRoom                   // none is read, and any query is let through: probes and browsers ask for it
)

// operations are all of openapi.yaml, in its order.
var operations = map[string]operation{
	"postAlert":          {scope: access.Ingest, room: alertRoom},
	"listAlerts":         {scope: access.Read},
	"postAlerts":         {scope: access.Ingest, room: batchRoom},
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

	"signIn":       {public: true, room: strangerRoom},
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
	"getHealth":    {public: true, room: noRoom},
	"getReadiness": {public: true, room: noRoom},
	"getProfile":   {scope: access.Admin, lasting: true},
	"getMetrics":   {scope: access.Read, opens: true, room: noRoom},
	"getOpenAPI":   {public: true, room: noRoom},
	"getDocs":      {public: true, room: noRoom},
}

// withAlerts reports whether bodies in it hold alerts.
func (r room) withAlerts() bool { return r == alertRoom || r == batchRoom }

// limit is how many bytes a body in it may have.
func (r room) limit() int64 {
	switch r {
	case batchRoom:
		return maxBatch
	case strangerRoom:
		return maxSignIn
	}
	return maxBody
}
