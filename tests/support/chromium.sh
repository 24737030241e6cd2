#!/bin/sh
# Makes sure that the browser tests find Chromium: what is there, else what apt has, else one line that says what to do.
set -u

for found in "${CHROMIUM:-}" "$(command -v chromium)" /usr/bin/chromium; do
    [ -n "$found" ] && [ -x "$found" ] && exit 0
done

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get > /dev/null; then
    echo "Installing Chromium for the browser tests …"
    export DEBIAN_FRONTEND=noninteractive
    { $as_root apt-get update -qq; $as_root apt-get install -y -qq chromium; } > /dev/null 2>&1
    [ -x /usr/bin/chromium ] && exit 0
fi
echo "Chromium is missing and could not be installed, so the browser tests will fail: install it, set CHROMIUM" \
    "to the path of one, or leave them out with make test PYTEST_ARGS='-m \"not browser and not slow\"'."
