#!/bin/sh
# Prints the path of a Chromium, and installs Debian's when there is none. $E2E_CHROMIUM names another browser.
set -eu
if [ -n "${E2E_CHROMIUM:-}" ]; then
  echo "$E2E_CHROMIUM"
  exit
fi
find_one() {
  for name in chromium chromium-browser google-chrome-stable google-chrome; do
    command -v "$name" && return
  done
  return 1
}
find_one && exit
root=
if [ "$(id -u)" != 0 ]; then
  root="sudo -n"
fi
if command -v apt-get >/dev/null; then
  echo "No Chromium here: installing Debian's." >&2
  { $root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends chromium; } >&2 ||
    echo "apt-get install chromium did not work." >&2
fi
find_one && exit
echo "The console is tested in a real browser, and there is none: install chromium, or name one in E2E_CHROMIUM." >&2
exit 1
