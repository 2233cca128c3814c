package devpg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClosedPath(t *testing.T) {
	t.Parallel()
	closed := filepath.Dir(newDir(t))
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "data")
	s, err := Start(t.Context(), Options{Dir: dir, NoSync: true})
	if os.Geteuid() != 0 {
		// Postgres runs as us, and the directory is ours.
		if err != nil {
			t.Fatal(err)
		}
		mustStop(t, s)
		return
	}
	if err == nil {
		mustStop(t, s)
		t.Fatal("root started a server that runs as another user in a directory closed to it")
	}
	for _, want := range []string{"cannot enter " + closed, "BELFRY_DATA_DIR", "chmod o+x " + closed} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want it to say %q", err, want)
		}
	}
}

func TestBlockerIsTheFirstClosedDirectory(t *testing.T) {
	t.Parallel()
	base := filepath.Dir(newDir(t))
	stranger := &account{name: "stranger", uid: 1<<30 + 1, gid: 1<<30 + 1}
	open, closed := filepath.Join(base, "open"), filepath.Join(base, "open", "closed")
	if err := os.MkdirAll(filepath.Join(closed, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(closed, 0o770); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(closed, filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		open:                                    "",
		filepath.Join(open, "not-there", "yet"): "",
		closed:                                  closed,
		filepath.Join(closed, "in"):             closed,
		filepath.Join(closed, "not-there"):      closed,
		filepath.Join(base, "link", "in"):       closed,
	} {
		if got := stranger.blocker(path); got != want {
			t.Errorf("blocker(%s): got %q, want %q", path, got, want)
		}
	}
}

func TestCacheIsWhereTheAccountCanReachIt(t *testing.T) {
	t.Parallel()
	base := filepath.Dir(newDir(t))
	closed := filepath.Join(base, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	var self *account
	stranger := &account{name: "stranger", uid: 1<<30 + 1, gid: 1<<30 + 1}
	for _, c := range []struct {
		acct         *account
		wanted, want string
	}{
		{self, closed, closed},
		{self, "", ""},
		{stranger, base, base},
		{stranger, filepath.Join(closed, "belfry"), rootCache},
		{stranger, "", rootCache},
	} {
		if got := c.acct.cache(c.wanted); got != c.want {
			t.Errorf("%+v: got %q, want %q", c, got, c.want)
		}
	}
}
