package devpg

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLogIsCutWhenItIsLong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postgres.log")
	for name, c := range map[string]struct{ size, want int64 }{
		"short": {size: 10, want: 10},
		"long":  {size: maxLog + 1, want: 0},
	} {
		if err := os.WriteFile(path, make([]byte, c.size), 0o600); err != nil {
			t.Fatal(err)
		}
		log, err := openLog(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := log.file.Stat(); err != nil || info.Size() != c.want {
			t.Errorf("%s: got %d bytes, %v; want %d", name, info.Size(), err, c.want)
		}
		if err := log.file.Close(); err != nil {
			t.Error(err)
		}
	}
}
