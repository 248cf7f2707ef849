#!/bin/sh
# shellcheck disable=SC2016  # the backticks in messages are for the reader
# Make .venv: Python 3.10, what requirements.lock pins (each file checked against its hash), and this project.
# Does nothing when nothing changed. Settings: MILIA_PYTHON (see .env.example), and those of pip and uv.
set -eu
cd "$(dirname "$0")/.."

root=$(pwd -P)
venv=.venv
stamp=$venv/.milia-setup
log=var/log/setup.log
need_kb=3500000
total=4
step=0
worker=
ticker=

# What set-up depends on: the files' hashes, and the folder (scripts in a .venv hold its path).
state() {
    printf 'folder %s\n' "$root"
    set -- requirements.lock pyproject.toml .python-version scripts/uv.lock
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

fail() {
    printf '\nmake setup: %s\n' "$1" >&2
    exit 1
}

interrupted() {
    [ -z "$ticker" ] || kill "$ticker" 2>/dev/null || :
    [ -z "$worker" ] || kill "$worker" 2>/dev/null || :
    printf '\nStopped. `make setup` goes on from here.\n' >&2
    exit "$1"
}

# Say what to do about the failure that the log shows.
explain() {
    printf '\nThe last lines (all of it: %s):\n' "$log" >&2
    tail -n 12 "$log" | cut -c 1-300 | sed 's/^/  /' >&2
    if grep -qi 'no space left on device' "$log"; then
        fail 'the disk is full: free about 4 GB, then run it again.'
    elif grep -qiE 'hash mismatch|do not match the hashes' "$log"; then
        fail 'a downloaded file is not the one that requirements.lock names (hash mismatch). Nothing of it was installed.
A broken download or a changing proxy can do this: run `.venv/bin/uv cache clean`, then `make setup` again.
If it stays, do not go around it: the file was replaced. Report it.'
    elif grep -qi 'failed to download.*python-build' "$log"; then
        fail 'uv could not download Python 3.10: is there a network? Or install Python 3.10 another way, then run it again.'
    elif grep -qiE 'resolve host|name resolution|dns error|connection (refused|reset|aborted|timed)|network is unreachable|timed out|connect error|error sending request|newconnectionerror|failed to establish|could not find a version' "$log"; then
        fail 'the package index does not answer, or lacks what is pinned: is there a network? Behind a proxy set HTTPS_PROXY; for an index of your own
set UV_DEFAULT_INDEX and PIP_INDEX_URL. Then run it again; what was downloaded is kept.'
    elif grep -qiE 'failed to (extract|unzip|read)|unexpected end of file|invalid (zip|gzip)|corrupt' "$log"; then
        fail 'a download broke off or is damaged: run `.venv/bin/uv cache clean`, then `make setup` again.'
    elif grep -qiE 'python\.h|(gcc|g\+\+|clang|cc).*(failed|not found|no such file)|xcrun: error' "$log"; then
        fail "a package could not be compiled: $(compiler_advice)"
    elif grep -qi 'permission denied' "$log"; then
        fail 'a file may not be written: does .venv belong to another user? Remove or rename it, then run it again.'
    fi
    fail 'see the lines above.'
}

compiler_advice() {
    case $(uname -s) in
        Darwin) printf 'install the command line tools: xcode-select --install' ;;
        *) printf 'install a C compiler and the Python headers (Debian, Ubuntu: apt-get install gcc python3.10-dev), then run it again.' ;;
    esac
}

# Run "$2" ... under the title "$1": its output goes to the log, its seconds to the terminal.
run() {
    step=$((step + 1))
    title="[$step/$total] $1"
    shift
    began=$(date +%s)
    printf '%s ...' "$title"
    "$@" >>"$log" 2>&1 </dev/null &
    worker=$!
    if [ -t 1 ]; then
        (while sleep 1; do printf '\r%s ... %s s' "$title" "$(($(date +%s) - began))"; done) &
        ticker=$!
    fi
    code=0
    wait "$worker" || code=$?
    worker=
    if [ -n "$ticker" ]; then
        kill "$ticker" 2>/dev/null || :
        wait "$ticker" 2>/dev/null || :
        ticker=
        printf '\r%s ...' "$title"
    fi
    if [ "$code" -ne 0 ]; then
        printf ' failed\n'
        explain
    fi
    printf ' ok (%s s)\n' "$(($(date +%s) - began))"
}

is_python_310() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' >/dev/null 2>&1
}

can_make_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

# Print a Python 3.10 that can make a virtual environment. pyenv's python3.10 obeys .python-version by itself.
find_python() {
    for candidate in "${MILIA_PYTHON:-}" python3.10 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python3.10 python3 python; do
        if [ -n "$candidate" ] && is_python_310 "$candidate" && can_make_venv "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
}

# These run in the background, so a signal has to reach the program itself: hence `exec`.
make_venv() {
    if [ -n "$python" ]; then
        exec "$python" -m venv "$venv"
    else
        exec uv venv --python 3.10 "$venv"
    fi
}

# A .venv that can stay: its Python runs and is 3.10, and it was made in this folder.
venv_is_usable() {
    [ -x "$venv/bin/python" ] && is_python_310 "$venv/bin/python" &&
        grep -qF -e "'$root/$venv" -e "\"$root/$venv" -e "=$root/$venv" "$venv/bin/activate" 2>/dev/null
}

install_uv() {
    pinned=$(sed -n 's/^uv==\([^ ;]*\).*/\1/p' scripts/uv.lock)
    if "$venv/bin/uv" --version 2>/dev/null | grep -qF "uv $pinned "; then
        return
    fi
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        exec "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes --only-binary :all: -r scripts/uv.lock
    elif command -v uv >/dev/null 2>&1; then
        exec uv pip install --python "$venv/bin/python" --require-hashes -r scripts/uv.lock
    else
        "$venv/bin/python" -m ensurepip && install_uv
    fi
}

# In a .venv that uv made, sync would remove uv itself, so its own pin is among what to keep.
install_dependencies() {
    exec "$venv/bin/uv" pip sync --python "$venv/bin/python" --require-hashes requirements.lock scripts/uv.lock
}

# Offline by itself: setuptools and wheel are in requirements.lock.
install_project() {
    exec "$venv/bin/uv" pip install --python "$venv/bin/python" --offline --no-deps --no-build-isolation -e .
}

if [ -x "$venv/bin/milia" ] && [ "$(state)" = "$(cat "$stamp" 2>/dev/null)" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

trap 'interrupted 130' INT
trap 'interrupted 143' TERM HUP
mkdir -p -m 700 var
mkdir -p var/log
: >"$log"
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}" UV_NO_PROGRESS=1

if venv_is_usable; then
    rm -f "$stamp"
    run 'Virtual environment: .venv is there' true
else
    python=$(find_python)
    if [ -z "$python" ] && ! command -v uv >/dev/null 2>&1; then
        if is_python_310 python3.10; then
            fail 'python3.10 is there, but not its venv module. Debian, Ubuntu: apt-get install python3.10-venv python3.10-dev'
        fi
        fail 'Python 3.10 is needed (Rasa Open Source 3.6 runs on no later one), and there is neither it nor uv. Do one of these:
  - install uv, which brings Python 3.10 itself: https://docs.astral.sh/uv/getting-started/installation
  - pyenv install 3.10
  - macOS: brew install python@3.10;  Ubuntu 22.04: apt-get install python3.10-venv python3.10-dev
or name a Python 3.10 that is elsewhere: MILIA_PYTHON=/path/to/python3.10 make setup'
    fi
    free_kb=$(df -Pk . | awk 'NR == 2 {print $4}')
    if [ "$free_kb" -lt "$need_kb" ]; then
        fail "the disk has $((free_kb / 1000)) MB free, set-up needs $((need_kb / 1000)) MB: free some space, then run it again."
    fi
    command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || fail "there is no C compiler, which one package needs: $(compiler_advice)"
    if [ -e "$venv" ]; then
        printf 'The .venv here is of another folder or Python: making it anew.\n'
        rm -rf "$venv"
    fi
    run "Virtual environment (${python:-uv})" make_venv
fi
run 'The installer, uv' install_uv
run 'Dependencies of requirements.lock (the first time up to 1 GB to download)' install_dependencies
run 'This project' install_project
state >"$stamp"
