package devpg

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fakeBinaries makes a directory that passes for a Postgres of some version.
func fakeBinaries(t *testing.T, version string) string {
	t.Helper()
	dir := newDir(t)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// As in unpackFile: no other test may fork while the scripts are open.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	script := fmt.Sprintf("#!/bin/sh\necho '%s'\n", version)
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func testFinder(t *testing.T, bin string, majors ...string) *finder {
	t.Helper()
	acct, err := chooseAccount(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &finder{bin: bin, acct: acct, log: slog.New(slog.DiscardHandler)}
	for _, m := range majors {
		f.existing = append(f.existing, dataDir{path: "/data/pg" + m, major: m})
	}
	return f
}

func TestVersionIsReadFromWhatPostgresPrints(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]string{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": "15.18 15",
		"postgres (PostgreSQL) 18beta1":                        "18beta1 18",
	} {
		b, err := testFinder(t, fakeBinaries(t, printed)).find(t.Context())
		if got := b.version + " " + b.major; err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", printed, got, err, want)
		}
	}
}

func TestBinariesChosenByTheCaller(t *testing.T) {
	t.Parallel()
	seventeen := fakeBinaries(t, "postgres (PostgreSQL) 17.2")
	for name, c := range map[string]struct {
		finder *finder
		want   string // in the error; "" for none
	}{
		"win over what is installed":   {testFinder(t, seventeen), ""},
		"fit one of the data there is": {testFinder(t, seventeen, "16", "17"), ""},
		"do not fit the data":          {testFinder(t, seventeen, "16"), "/data/pg16 needs PostgreSQL 16"},
		"are not there":                {testFinder(t, "/nowhere"), "/nowhere"},
		"are not PostgreSQL":           {testFinder(t, fakeBinaries(t, "hello")), `printed "hello\n"`},
	} {
		b, err := c.finder.find(t.Context())
		switch {
		case c.want == "" && (err != nil || b.dir != seventeen):
			t.Errorf("%s: got %q, %v; want %q", name, b.dir, err, seventeen)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got error %v, want %q in it", name, err, c.want)
		}
	}
}

// Not parallel: these change the environment.
func TestPostgresBinThatDoesNotFitIsPassedOver(t *testing.T) {
	unfit, fit := fakeBinaries(t, "postgres (PostgreSQL) 9001.1"), fakeBinaries(t, "postgres (PostgreSQL) 9002.1")
	t.Setenv("POSTGRES_BIN", unfit)
	t.Setenv("PATH", fit+":"+os.Getenv("PATH"))
	b, err := testFinder(t, "", "9002").find(t.Context())
	if err != nil || b.dir != fit {
		t.Errorf("got %q, %v; want %q", b.dir, err, fit)
	}
	b, err = testFinder(t, "").find(t.Context())
	if err != nil || b.dir != unfit {
		t.Errorf("without data: got %q, %v; want what POSTGRES_BIN says, %q", b.dir, err, unfit)
	}
}

func TestPackagedVersionsAreComparedAsNumbers(t *testing.T) {
	t.Parallel()
	if packagedMajor("/usr/lib/postgresql/9/bin") >= packagedMajor("/usr/lib/postgresql/15/bin") {
		t.Error("9 is held to be newer than 15")
	}
}
