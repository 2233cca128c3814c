#!/usr/bin/env bash
# Looks for known vulnerabilities in what Belfry calls, without a network: the database is a module, and its
# version stands in tools/lint/go.mod (`make vulnerabilities-update` takes the newest). Those below are called,
# no version mends them, and they do not touch us: docs/security.md says why, and a test holds it.
set -uo pipefail
accepted='GO-2026-6872|GO-2026-6875' # Echo v4 trusts X-Forwarded-For and X-Real-IP where it is asked for an address

go mod download -modfile=tools/lint/go.mod golang.org/x/vulndb || exit 1
database=$(go list -m -modfile=tools/lint/go.mod -f '{{.Dir}}' golang.org/x/vulndb) || exit 1
out=$(go tool -modfile=tools/lint/go.mod govulncheck -db "file://$database/data/osv" ./... 2>&1)
status=$? # 3: something was found
[ $status -eq 0 ] || [ $status -eq 3 ] || { echo "$out"; exit 1; }
found=$(grep -oE '^Vulnerability #[0-9]+: GO-[0-9]+-[0-9]+' <<<"$out" | grep -vE "($accepted)\$")
[ -z "$found" ] || { echo "$out" | grep -vE '^      #' ; echo; echo "not accepted: $found"; exit 1; }
[ $status -eq 0 ] || grep -q '^Vulnerability #1: ' <<<"$out" || { echo "$out"; exit 1; } # its words have changed
