package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
)

// prefix is what the names of all settings begin with, but for DATABASE_URL.
const prefix = "BELFRY_"

// notOurs are variables with the prefix that others set and that mean nothing to
// this program: where scripts that call the API find it, those of
// docker-compose.yml, and those that Kubernetes sets.
func notOurs(name, value string) bool {
	switch name {
	case "BELFRY_URL", "BELFRY_VERSION", "BELFRY_COMMIT", "BELFRY_BUILD_DATE", "BELFRY_SUBNET", "BELFRY_PORT", "BELFRY_PORTS":
		return true
	}
	return strings.HasPrefix(name, "BELFRY_PORT_") || strings.HasPrefix(name, "BELFRY_SERVICE_") ||
		ofService.MatchString(name) || portOfService.MatchString(name) && address.MatchString(value)
}

// Kubernetes gives to every container some variables for each service beside it: of
// the service "belfry", and of all whose names begin so ("belfry-postgresql").
var (
	ofService     = regexp.MustCompile(`^BELFRY_[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	portOfService = regexp.MustCompile(`^BELFRY_[A-Z0-9_]+_PORT$`)
	address       = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// checkEnvironment refuses variables that look like settings and are none: a
// misspelt one would leave its default in force, and nobody would be told. known
// are the names of all settings; environ has the form of os.Environ.
func checkEnvironment(environ, known []string) error {
	var errs []error
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, prefix) || notOurs(name, value) || slices.Contains(known, name) {
			continue
		}
		errs = append(errs, fmt.Errorf("%s is not a setting; the nearest one is %s", name, nearest(name, known)))
	}
	return errors.Join(errs...)
}

func nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
}

// variables returns the environment variables that a command and those below it
// can be set by.
func variables(n *kong.Node) []string {
	var names []string
	for _, f := range n.Flags {
		names = append(names, f.Envs...)
	}
	for _, child := range n.Children {
		names = append(names, variables(child)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
