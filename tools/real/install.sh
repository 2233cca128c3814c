#!/usr/bin/env bash
# Installs the programs of others that `make test-real` runs against. As root on Debian they come from apt-get; elsewhere
# it says which are missing, and fails: no test is left out for want of one.
set -euo pipefail

# A line for each Debian package, with the programs that are needed of it. Debian keeps those of Postgres off the PATH.
# The server's own are needed as well: without them the tests would fetch a newer server than the clients can dump.
packages='
postgresql postgres initdb pg_basebackup pg_dump pg_restore createdb
'
has() { command -v "$1" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null; }

missing() { # of the packages
  while read -r package programs; do
    for program in $programs; do
      has "$program" || { echo "$package"; break; }
    done
  done <<<"$packages"
}

lacks=$(missing | xargs)
[ -n "$lacks" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing what make test-real needs: $lacks" >&2
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get update -qq
    if [[ " $lacks " == *" postgresql "* ]]; then # the programs only: no server is to run here
      apt-get install -y -qq --no-install-recommends postgresql-common
      mkdir -p /etc/postgresql-common/createcluster.d
      echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/belfry-tests.conf
    fi
    apt-get install -y -qq --no-install-recommends $lacks
  } >/dev/null
fi
lacks=$(missing | xargs)
[ -z "$lacks" ] || { echo "make test-real needs programs that are not here. Debian has them in: $lacks" >&2; exit 1; }
