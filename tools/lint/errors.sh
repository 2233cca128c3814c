#!/usr/bin/env bash
# Lists every error that is dropped without a reason. A reason stands beside the call:
#   defer f.Close() //nolint:errcheck // it was only read
set -uo pipefail
out=$(go tool -modfile=tools/lint/go.mod errcheck -ignoretests -exclude tools/lint/errcheck.txt ./... 2>&1)
[ $? -le 1 ] || { echo "$out"; exit 1; }
left=$(grep -v '//nolint:errcheck // [a-z]' <<<"$out")
[ -z "$left" ] || { echo "errors dropped without a reason:"; echo "$left"; exit 1; }
