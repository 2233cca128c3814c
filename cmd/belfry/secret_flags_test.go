package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A secret on the command line is in ps: it is refused with what to use instead, and
// never quoted.
func TestSecretsAreNoFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, args string
		want       []string // none: not refused for its flags
	}{
		{"admin token", "serve --admin-token hunter2", []string{"--admin-token", "BELFRY_ADMIN_TOKEN or BELFRY_ADMIN_TOKEN_FILE"}},
		{"key", "serve --keyset=hunter2", []string{"--keyset", "BELFRY_KEYSET or BELFRY_KEYSET_FILE"}},
		{"database", "serve --database-url postgres://u:hunter2@h/d", []string{"--database-url", "DATABASE_URL or DATABASE_URL_FILE"}},
		{"of a command below another", "token list --database-url postgres://u:hunter2@h/d", []string{"DATABASE_URL or DATABASE_URL_FILE"}},
		{"of dev", "dev --admin-token hunter2", []string{"BELFRY_ADMIN_TOKEN"}},
		{"of init", "init --dir /no-such-path --database-url postgres://u:hunter2@h/d", []string{"DATABASE_URL"}},
		{"of keygen", "keygen --database-url postgres://u:hunter2@h/d", []string{"DATABASE_URL"}},
		{"signing secret", "receive --secret whsec_hunter2", []string{"BELFRY_SIGNING_SECRET or BELFRY_SIGNING_SECRET_FILE"}},
		{"proxy with a password", "serve --egress-proxy http://u:hunter2@proxy:3128", []string{"--egress-proxy", "BELFRY_EGRESS_PROXY"}},
		{"several", "serve --keyset=hunter2 --admin-token=hunter2", []string{"--keyset", "--admin-token"}},
		{"proxy without one", "serve --egress-proxy http://proxy:3128 --keyset-file /no-such-path", nil},
		{"files", "serve --keyset-file /no-such-path --database-url-file /no-such-path", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), strings.Fields(tt.args), streams{io.Discard, io.Discard})
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("got %v", err)
			}
			if refused := strings.Contains(err.Error(), "can be read by everybody"); refused != (tt.want != nil) {
				t.Errorf("got %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

// None of them is shown as a flag, and what takes its place is.
func TestHelpShowsNoSecretFlags(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"serve", "dev", "receive", "reseal"} {
		out := newOutput()
		if err := run(t.Context(), []string{command, "--help"}, streams{out, newOutput()}); err != nil {
			t.Fatal(err)
		}
		for _, flag := range []string{"--admin-token=", "--keyset=", "--database-url=", "--secret="} {
			if strings.Contains(out.String(), flag) {
				t.Errorf("%s --help shows %s", command, flag)
			}
		}
		for flag, variable := range map[string]string{
			"--admin-token-file": "BELFRY_ADMIN_TOKEN ", "--keyset-file": "BELFRY_KEYSET ", "--database-url-file": "DATABASE_URL ", "--secret-file": "BELFRY_SIGNING_SECRET.",
		} {
			if strings.Contains(out.String(), flag) && !strings.Contains(strings.Join(strings.Fields(out.String()), " "), variable) {
				t.Errorf("%s --help does not name %s:\n%s", command, variable, out)
			}
		}
	}
}

func TestPrivate(t *testing.T) {
	t.Parallel()
	const root, belfry, other = 0, 65532, 1000
	for _, tt := range []struct {
		name string
		mode fs.FileMode
		of   owner
		us   int
		want bool
	}{
		{"ours alone", 0o600, owner{belfry, belfry}, belfry, true},
		{"ours, read only", 0o400, owner{belfry, belfry}, belfry, true},
		{"ours, and the group reads", 0o640, owner{belfry, belfry}, belfry, false},
		{"ours, and everybody reads", 0o644, owner{belfry, belfry}, belfry, false},
		{"ours, and the group writes", 0o620, owner{belfry, belfry}, belfry, false},
		{"root's, for our group", 0o640, owner{root, belfry}, belfry, true},
		{"root's, for our group, read only", 0o440, owner{root, belfry}, belfry, true},
		{"root's, for our group, which writes", 0o660, owner{root, belfry}, belfry, false},
		{"root's, and everybody reads", 0o644, owner{root, belfry}, belfry, false},
		{"root's, and some others read", 0o604, owner{root, belfry}, belfry, false},
		{"a service's, and we are root", 0o640, owner{root, belfry}, root, true},
		{"root's, and we are root", 0o640, owner{root, root}, root, false},
		{"another user's, for our group", 0o640, owner{other, belfry}, belfry, false},
	} {
		if got := private(tt.mode, tt.of, tt.us); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// A file that is replaced keeps its mode, and the link that leads to it.
func TestReplaceKeepsModeAndLink(t *testing.T) {
	t.Parallel()
	file := secretFile(t, "old")
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := alone(link, func(file string) error { return replace(file, "new") }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(file)
	if err != nil || info.Mode() != 0o400 || read(t, link) != "new\n" {
		t.Errorf("%v %v, through the link %q", info.Mode(), err, read(t, link))
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
}

// Every file that holds a secret is refused when others may read it, also through a
// link, as Kubernetes mounts have them.
func TestReadSecretRefusesWhatOthersRead(t *testing.T) {
	t.Parallel()
	file := secretFile(t, " secret\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for mode, wrong := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o604: true, 0o666: true} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{file, link} {
			text, err := readSecret("X_FILE", name)
			if !wrong && (err != nil || text != "secret") || wrong && (err == nil || !strings.Contains(err.Error(), "chmod 600 "+name) || !strings.Contains(err.Error(), "X_FILE")) {
				t.Errorf("mode %o: %q, %v", mode, text, err)
			}
		}
	}
}
