package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/alecthomas/kong"
)

// checkFlags refuses secrets on the command line, which everybody on the machine can
// read for as long as the process lives. Such a field has the tag secret, and is set by
// the environment; with secret:"password" only a URL with a password is one.
func checkFlags(cmd *kong.Context) error {
	var errs []error
	for _, p := range cmd.Path {
		if p.Flag == nil || p.Resolved || !p.Flag.Tag.Has("secret") {
			continue
		}
		if p.Flag.Tag.Get("secret") == "password" && !hasPassword(p.Flag.Target.String()) {
			continue
		}
		errs = append(errs, fmt.Errorf("--%s: a secret on the command line can be read by everybody on this machine (ps), so it is not taken. "+
			"Set %s instead, and change the secret that was given here", p.Flag.Name, instead(p.Flag, cmd.Flags())))
	}
	return errors.Join(errs...)
}

func hasPassword(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.User != nil
}

// instead names the variables that take the place of a flag: its own, and that of the
// file, where there is one.
func instead(f *kong.Flag, all []*kong.Flag) string {
	names := append([]string{}, f.Envs...)
	for _, other := range all {
		if other.Name == f.Name+"-file" {
			names = append(names, other.Envs...)
		}
	}
	return strings.Join(names, " or ")
}
