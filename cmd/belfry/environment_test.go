package main

import (
	"strings"
	"testing"
)

func TestUnknownVariablesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, variable, want string }{
		{"a letter is missing", "BELFRY_RETRY_WAIT=5s", "BELFRY_RETRY_WAIT is not a setting; the nearest one is BELFRY_RETRY_WAITS"},
		{"letters are swapped", "BELFRY_LSITEN=:80", "nearest one is BELFRY_LISTEN"},
		{"of another command", "BELFRY_DATA_DIRECTORY=x", "nearest one is BELFRY_DATA_DIR"},
		{"an empty value", "BELFRY_NOPE=", "BELFRY_NOPE is not a setting"},
		{"lower case is somebody else's", "belfry_listen=x", ""},
		{"a setting", "BELFRY_LISTEN=127.0.0.1:0", ""},
		{"a setting of another command", "BELFRY_DATA_DIR=x", ""},
		{"Kubernetes: host of a service", "BELFRY_SERVICE_HOST=10.0.0.1", ""},
		{"Kubernetes: named port of a service", "BELFRY_SERVICE_PORT_HTTP=80", ""},
		{"Kubernetes: port of a service", "BELFRY_PORT=tcp://10.0.0.1:80", ""},
		{"Kubernetes: parts of the port", "BELFRY_PORT_80_TCP_ADDR=10.0.0.1", ""},
		{"Kubernetes: host of a service with a longer name", "BELFRY_POSTGRESQL_SERVICE_HOST=10.0.0.2", ""},
		{"Kubernetes: named port of one", "BELFRY_POSTGRESQL_SERVICE_PORT_TCP_POSTGRESQL=5432", ""},
		{"Kubernetes: port of one", "BELFRY_POSTGRESQL_PORT=tcp://10.0.0.2:5432", ""},
		{"Kubernetes: parts of the port of one", "BELFRY_POSTGRESQL_PORT_5432_TCP_PROTO=tcp", ""},
		{"a port that Kubernetes does not set", "BELFRY_LISTEN_PORT=8080", "BELFRY_LISTEN_PORT is not a setting"},
		{"of scripts that call the API", "BELFRY_URL=http://127.0.0.1:8080", ""},
		{"of the compose file", "BELFRY_VERSION=1.2.3", ""},
		{"the prefix is not enough for Kubernetes", "BELFRY_SERVICES=x", "BELFRY_SERVICES is not a setting"},
		{"somebody else's", "PATH=/bin", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			known, err := settingsOfAll()
			if err != nil {
				t.Fatal(err)
			}
			err = checkEnvironment([]string{"HOME=/root", c.variable}, known)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want none", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A setting that docs/operating.md does not name is one that nobody finds.
func TestEverySettingIsDocumented(t *testing.T) {
	t.Parallel()
	known, err := settingsOfAll()
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, "../../docs/operating.md")
	for _, name := range known {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("%s is not documented", name)
		}
	}
}

func settingsOfAll() ([]string, error) {
	parser, err := newParser(&cli{}, streams{newOutput(), newOutput()}, func(int) {})
	if err != nil {
		return nil, err
	}
	return variables(parser.Model.Node), nil
}
