package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"belfry/internal/access"
	"belfry/internal/delivery"
	"belfry/internal/inbound"
)

// config is what an operator can set, as a flag or in the environment. It is
// read once, here; packages are given values, never a config.
type config struct {
	Listen         string        `help:"Address to listen on." env:"BELFRY_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	PublicURL      string        `help:"URL under which people and producers reach this server; links in alerts begin with it. Default: http:// and the listen address." env:"BELFRY_PUBLIC_URL" placeholder:"URL"`
	AdminToken     string        `hidden:"" secret:"" env:"BELFRY_ADMIN_TOKEN"`
	AdminTokenFile string        `help:"File that holds a token that is admin from the start, random and at least 32 characters; or set BELFRY_ADMIN_TOKEN to it." env:"BELFRY_ADMIN_TOKEN_FILE" type:"path" placeholder:"FILE"`
	RetryWaits     string        `help:"Waits before the retries of a delivery: 0 to 10 entries of at least 1ms, or none. Default: 5s 30s 2m 5m 15m 30m 1h 2h 4h 8h." env:"BELFRY_RETRY_WAITS" placeholder:"LIST"`
	AttemptTimeout time.Duration `help:"Deadline of one attempt, from DNS to the end of the answer." env:"BELFRY_ATTEMPT_TIMEOUT" default:"15s"`
	EgressAllow    string        `help:"Networks that may be reached although they are not public, as CIDRs." env:"BELFRY_EGRESS_ALLOW" placeholder:"CIDRS"`
	EgressProxy    string        `help:"Proxy for all deliveries (http, https or socks5). It must enforce an address policy itself. The usual proxy variables are ignored." env:"BELFRY_EGRESS_PROXY" secret:"password" placeholder:"URL"`
	TrustedProxies string        `help:"Networks of the reverse proxies in front, as CIDRs: their X-Forwarded-For says where a request comes from, and limits by address do not count for their connections." env:"BELFRY_TRUSTED_PROXIES" placeholder:"CIDRS"`
	Workers        int           `help:"Attempts in flight at most, 4 to 10000." env:"BELFRY_WORKERS" default:"256"`
	Roles          []string      `help:"What this process does: api answers requests, worker delivers." env:"BELFRY_ROLES" default:"api,worker" enum:"api,worker"`
	FailingMaxAge  time.Duration `help:"How long a delivery is held as failing, because its destination keeps failing, before it expires." env:"BELFRY_FAILING_MAX_AGE" name:"failing-max-age" default:"72h"`
	Retention      time.Duration `help:"How long alerts and attempts are kept once they are final; 0 keeps them for ever." env:"BELFRY_RETENTION" default:"720h"`
	AuditRetention time.Duration `help:"How long entries of the audit log are kept; 0 keeps them for ever." env:"BELFRY_AUDIT_RETENTION" default:"9600h"`
	DrainTimeout   time.Duration `help:"How long a stop waits for attempts in flight." env:"BELFRY_DRAIN_TIMEOUT" default:"20s"`
	SessionLength  time.Duration `help:"How long a person stays signed in at most." env:"BELFRY_SESSION_LENGTH" default:"168h"`
	SessionIdle    time.Duration `help:"After how long without a call a person is signed out." env:"BELFRY_SESSION_IDLE" default:"12h"`
	OpenMetrics    bool          `help:"Serve /metrics without a token." env:"BELFRY_OPEN_METRICS"`
	LogLevel       string        `help:"Log from this level up: debug, info, warn or error." env:"BELFRY_LOG_LEVEL" default:"info" enum:"debug,info,warn,error"`
	LogFormat      string        `help:"Log as json or text." env:"BELFRY_LOG_FORMAT" default:"json" enum:"json,text"`
}

// parsed is a config that makes sense.
type parsed struct {
	config
	waits   delivery.Waits
	allow   []netip.Prefix
	proxy   *url.URL
	proxies inbound.Proxies
}

// parse reports everything that is wrong at once.
func (c config) parse() (parsed, error) {
	p := parsed{config: c, waits: delivery.DefaultWaits()}
	var errs []error
	wrong := func(name string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	var err error
	if c.RetryWaits != "" {
		p.waits, err = delivery.ParseWaits(c.RetryWaits)
		wrong("BELFRY_RETRY_WAITS", err)
	}
	p.allow, err = parsePrefixes(c.EgressAllow)
	wrong("BELFRY_EGRESS_ALLOW", err)
	p.proxies, err = parsePrefixes(c.TrustedProxies)
	wrong("BELFRY_TRUSTED_PROXIES", err)
	p.PublicURL, err = c.publicURL()
	wrong("BELFRY_PUBLIC_URL", err)
	if c.EgressProxy != "" {
		p.proxy, err = parseProxy(c.EgressProxy)
		wrong("BELFRY_EGRESS_PROXY", err)
	}
	p.AdminToken, err = c.adminToken()
	wrong("BELFRY_ADMIN_TOKEN", err)
	if c.AttemptTimeout < 10*time.Millisecond || c.AttemptTimeout > 5*time.Minute {
		wrong("BELFRY_ATTEMPT_TIMEOUT", errors.New("must be from 10ms to 5m"))
	}
	if c.Workers < 4 || c.Workers > 10_000 {
		wrong("BELFRY_WORKERS", errors.New("must be from 4 to 10000: with fewer, a destination that does not answer can keep all others waiting"))
	}
	if len(c.Roles) == 0 {
		wrong("BELFRY_ROLES", errors.New("must be api, worker or both"))
	}
	if c.FailingMaxAge < time.Minute {
		wrong("BELFRY_FAILING_MAX_AGE", errors.New("must be at least 1m"))
	}
	if c.Retention < 0 || c.Retention > 0 && c.Retention < 24*time.Hour {
		wrong("BELFRY_RETENTION", errors.New("must be at least 24h, or 0 to keep everything"))
	}
	if c.AuditRetention < 0 || c.AuditRetention > 0 && c.AuditRetention < 24*time.Hour {
		wrong("BELFRY_AUDIT_RETENTION", errors.New("must be at least 24h, or 0 to keep everything"))
	}
	if c.DrainTimeout < 0 {
		wrong("BELFRY_DRAIN_TIMEOUT", errors.New("must not be negative"))
	}
	if c.SessionLength < time.Minute {
		wrong("BELFRY_SESSION_LENGTH", errors.New("must be at least 1m"))
	}
	if c.SessionIdle < 5*time.Minute {
		wrong("BELFRY_SESSION_IDLE", errors.New("must be at least 5m: when a session was last used is noted once a minute"))
	}
	return p, errors.Join(errs...)
}

func (c config) adminToken() (string, error) {
	token := c.AdminToken
	if c.AdminTokenFile != "" {
		if token != "" {
			return "", errors.New("BELFRY_ADMIN_TOKEN_FILE is set too; set one")
		}
		var err error
		if token, err = readSecret("BELFRY_ADMIN_TOKEN_FILE", c.AdminTokenFile); err != nil {
			return "", err
		}
	}
	if token == "" && c.AdminTokenFile == "" {
		return "", nil
	}
	if err := access.CheckAdminToken(token); err != nil {
		return "", fmt.Errorf("%w; `openssl rand -hex 32` makes one", err)
	}
	return token, nil
}

func (c config) publicURL() (string, error) {
	if c.PublicURL == "" {
		return "http://" + c.Listen, nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", errors.New("must be an http or https URL with a host, without a query, a fragment or a user name")
	}
	return strings.TrimRight(c.PublicURL, "/"), nil
}

func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		return nil, errors.New("must be an http, https or socks5 URL with a host")
	}
	return u, nil
}

func parsePrefixes(list string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network like 10.1.0.0/16 or fd00::/8", text)
		}
		prefixes = append(prefixes, p.Masked())
	}
	return prefixes, nil
}

func (c config) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // cannot be: kong checks it
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// sealing says where the key is that seals settings in the database.
type sealing struct {
	Keyset     string `hidden:"" secret:"" env:"BELFRY_KEYSET"`
	KeysetFile string `help:"File that holds the sealing key; or set BELFRY_KEYSET to the key itself, as belfry keygen prints it." env:"BELFRY_KEYSET_FILE" type:"path" placeholder:"FILE"`
}

func (s sealing) read() (string, error) {
	switch {
	case s.Keyset != "" && s.KeysetFile != "":
		return "", errors.New("BELFRY_KEYSET and BELFRY_KEYSET_FILE are both set; set one")
	case s.Keyset != "":
		return s.Keyset, nil
	case s.KeysetFile != "":
		return readSecret("BELFRY_KEYSET_FILE", s.KeysetFile)
	}
	return "", errors.New("there is no sealing key: set BELFRY_KEYSET or BELFRY_KEYSET_FILE; make a key with `belfry keygen` and keep a copy of it, because nothing sealed opens without it")
}

// database says where the database is.
type database struct {
	DatabaseURL     string `hidden:"" secret:"" env:"DATABASE_URL"`
	DatabaseURLFile string `help:"File that holds the address of the database; or set DATABASE_URL to it: postgres://user:password@host:5432/name" env:"DATABASE_URL_FILE" type:"path" placeholder:"FILE"`
}

// given returns the address, "" if there is none.
func (d database) given() (string, error) {
	switch {
	case d.DatabaseURL != "" && d.DatabaseURLFile != "":
		return "", errors.New("DATABASE_URL and DATABASE_URL_FILE are both set; set one")
	case d.DatabaseURLFile != "":
		return readSecret("DATABASE_URL_FILE", d.DatabaseURLFile)
	}
	return d.DatabaseURL, nil
}

func (d database) url() (string, error) {
	address, err := d.given()
	if err == nil && address == "" {
		err = errors.New("DATABASE_URL is not set; it looks like postgres://user:password@host:5432/name (to try Belfry without a database: belfry dev)")
	}
	return address, err
}

// atStart says what a command does when everything comes up at once, in any order, as
// after a power cut.
type atStart struct {
	DatabaseWait time.Duration `help:"How long to wait at the start for a database that does not answer yet." env:"BELFRY_DATABASE_WAIT" default:"60s"`
}
