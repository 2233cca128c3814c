package devpg

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The one test that needs the network, and that only while the cache is empty.
func TestPostgresFromNPM(t *testing.T) {
	t.Parallel()
	cache := filepath.Join(os.TempDir(), fmt.Sprintf("belfry-test-cache-%d", os.Geteuid()))
	f := testFinder(t, "", npmMajor)
	f.cache = cache
	p, ok := hostPackage()
	if !ok {
		t.Fatal("there is no package for this system")
	}
	b, err := f.inspect(t.Context(), p.bin(cache))
	if err != nil {
		b, err = f.fetchNPM(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if b.major != npmMajor {
		t.Errorf("got major version %s, want %s", b.major, npmMajor)
	}
	s, err := Start(t.Context(), Options{Dir: newDir(t), Bin: b.dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer mustStop(t, s)
	if got := query(t, s, "SHOW server_version"); got != s.Version() {
		t.Errorf("got version %s, want %s", s.Version(), got)
	}
}

func TestTarballThatWasChangedIsRefused(t *testing.T) {
	t.Parallel()
	for system, p := range npmPackages {
		if err := p.verify([]byte("something else")); err == nil || !strings.Contains(err.Error(), p.digest) {
			t.Errorf("%s: got error %v", system, err)
		}
	}
}
