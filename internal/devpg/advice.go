package devpg

import (
	"fmt"
	"strings"
)

// howToInstall is for somebody who has no Postgres and wants to get going.
const howToInstall = `no PostgreSQL was found. Any one of these helps:
  - install it: apt-get install postgresql (Debian, Ubuntu),
    dnf install postgresql-server (Fedora), brew install postgresql (macOS)
  - install npm, with which Belfry fetches a PostgreSQL of its own
  - set POSTGRES_BIN to a directory that holds postgres and initdb
  - set DATABASE_URL to a server that you run already`

// mismatch says which version the data needs, and where both are.
func (f *finder) mismatch(unfit []binaries) error {
	var data, found []string
	for _, d := range f.existing {
		data = append(data, fmt.Sprintf("%s needs PostgreSQL %s", d.path, d.major))
	}
	for _, b := range unfit {
		found = append(found, fmt.Sprintf("%s in %s", b.version, b.dir))
	}
	if found == nil {
		found = []string{"none"}
	}
	major := f.existing[0].major
	return fmt.Errorf("the data in %s, and only these were found: %s. Nothing was changed. "+
		"Install PostgreSQL %s (Debian: apt-get install postgresql-%s), or set POSTGRES_BIN to the directory "+
		"of its binaries, or set BELFRY_DATA_DIR to start with no data elsewhere",
		strings.Join(data, ", "), strings.Join(found, ", "), major, major)
}
