package devpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binaries is a directory with postgres and initdb of one version in it.
type binaries struct {
	dir     string
	version string // as postgres prints it: "15.18", "18beta1"
	major   string // "15"
}

func (b binaries) program(name string) string {
	return filepath.Join(b.dir, name)
}

// finder looks for binaries that fit the data there is.
type finder struct {
	bin      string // the only directory to look at, or ""
	cache    string // of downloads; may be ""
	acct     *account
	existing []dataDir
	log      *slog.Logger
}

// find goes from what somebody chose to what is installed to what can be
// fetched. The first that fits wins; with no data yet, everything fits.
func (f *finder) find(ctx context.Context) (binaries, error) {
	var unfit []binaries
	chosen := f.bin
	if chosen == "" {
		chosen = os.Getenv("POSTGRES_BIN")
	}
	if chosen != "" {
		b, err := f.inspect(ctx, chosen)
		if err != nil {
			return binaries{}, fmt.Errorf("use the postgres in %s: %w", chosen, err)
		}
		if f.fits(b.major) {
			return b, nil
		}
		unfit = append(unfit, b)
		if f.bin != "" {
			return binaries{}, f.mismatch(unfit)
		}
		f.log.WarnContext(ctx, "POSTGRES_BIN does not fit the data", "version", b.version, "bin", b.dir)
	}
	for _, dir := range f.installed(ctx) {
		b, err := f.inspect(ctx, dir)
		if err != nil {
			f.log.DebugContext(ctx, "passed over a postgres", "bin", dir, "error", err)
			continue
		}
		if f.fits(b.major) {
			return b, nil
		}
		unfit = append(unfit, b)
	}
	return f.fetch(ctx, unfit)
}

// fetch is the last rung, for the one version that can be downloaded.
func (f *finder) fetch(ctx context.Context, unfit []binaries) (binaries, error) {
	if !f.fits(npmMajor) {
		return binaries{}, f.mismatch(unfit)
	}
	b, err := f.fetchNPM(ctx)
	if err == nil {
		return b, nil
	}
	if len(f.existing) > 0 {
		return binaries{}, fmt.Errorf("%w; fetching it: %w", f.mismatch(unfit), err)
	}
	return binaries{}, fmt.Errorf("%s\n(fetching it: %w)", howToInstall, err)
}

func (f *finder) fits(major string) bool {
	has := func(d dataDir) bool { return d.major == major }
	return len(f.existing) == 0 || slices.ContainsFunc(f.existing, has)
}

// installed lists the directories that may hold binaries, best first.
func (f *finder) installed(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	// The pattern has no syntax to get wrong, which is Glob's only error.
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(packaged, func(a, b string) int { return packagedMajor(b) - packagedMajor(a) })
	dirs = append(dirs, packaged...)
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	if p, ok := hostPackage(); ok && f.cache != "" {
		dirs = append(dirs, p.bin(f.cache))
	}
	return dirs
}

func packagedMajor(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // no number sorts last
	return n
}

var printedVersion = regexp.MustCompile(`^postgres \(PostgreSQL\) ((\d+)\S*)`)

// inspect asks the binaries in a directory for their version, as the account
// that will run them.
func (f *finder) inspect(ctx context.Context, dir string) (binaries, error) {
	// The programs run in a working directory of their own.
	dir, err := filepath.Abs(dir)
	if err != nil {
		return binaries{}, err
	}
	b := binaries{dir: dir}
	for _, name := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(b.program(name)); err != nil {
			return b, err
		}
	}
	cmd := f.acct.command(ctx, "/", b.program("postgres"), "--version")
	out, err := cmd.Output()
	if at := f.acct.blocker(dir); errors.Is(err, fs.ErrPermission) && at != "" {
		return b, fmt.Errorf("user %s, which postgres runs as, cannot enter %s", f.acct.name, at)
	}
	if err != nil {
		if failed := new(exec.ExitError); errors.As(err, &failed) {
			err = fmt.Errorf("%w: %s", err, lastLines(failed.Stderr))
		}
		return b, fmt.Errorf("run postgres --version: %w", err)
	}
	found := printedVersion.FindSubmatch(out)
	if found == nil {
		return b, fmt.Errorf("postgres --version printed %q", out)
	}
	b.version, b.major = string(found[1]), string(found[2])
	return b, nil
}
