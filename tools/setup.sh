#!/bin/sh
# Builds the virtual environment from the lock file. Usage: setup.sh PYTHON VENV
set -eu
python=$1
venv=$2

if [ -z "$python" ]; then
    echo "smartgate: no Python found; install it with: apt-get install python3.11 python3.11-venv" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "smartgate: $("$python" --version) is too old, 3.11 or newer is needed;" \
        "install python3.11 or name one with: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
has_venv() {
    "$python" -c 'import venv, ensurepip' 2>/dev/null
}

# Debian splits the venv module off; root may add it, anybody else is told how.
if ! has_venv; then
    package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "smartgate: installing $package, which $python lacks"
        { apt-get update && apt-get install -y --no-install-recommends "$package"; } >/dev/null 2>&1 || true
    fi
    if ! has_venv; then
        echo "smartgate: $python lacks the venv module; install it with: apt-get install $package" >&2
        exit 1
    fi
fi

echo "smartgate: building $venv with $("$python" --version)"
# An interrupted set-up may leave an environment without pip, a moved or upgraded Python one that does not start.
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv"
echo "smartgate: installing $(grep -c == requirements.lock) locked packages"
log=$venv/install.log
install() {
    "$venv/bin/python" -m pip install --disable-pip-version-check "$@" >>"$log" 2>&1 && return
    tail -n 5 "$log" >&2
    echo "smartgate: the packages could not be installed (see $log);" \
        "check that the package index is reachable, then run make again" >&2
    exit 1
}
: >"$log"
# The stubs of the boards have files of the same names: each goes into a folder of its own below, and not beside Python's.
grep -v -e '^micropython-rp2-' -e '^micropython-esp32-' -e '^pysparkplug==' requirements.lock >"$venv/packages.lock"
install -r "$venv/packages.lock"
# Its client wants an MQTT library older than ours; the tests take its payload classes only.
install --no-deps $(grep '^pysparkplug==' requirements.lock)
install --no-deps --no-build-isolation -e .
# mypy takes MicroPython's modules from a folder per board: in site-packages they would hide CPython's.
# pip fetches for a folder even what is there; a set-up that has everything must not need the package index.
for board in unix rp2 esp32; do
    stubs=$(grep -e '^micropython-stdlib-stubs==' -e "^micropython-$board-stubs==" requirements.lock)
    folder=$venv/micropython-stubs/$board
    if [ "$(cat "$folder.lock" 2>/dev/null)" != "$stubs" ]; then
        install --no-deps --upgrade --target "$folder" $stubs
        echo "$stubs" >"$folder.lock"
    fi
done
echo "smartgate: $venv is ready"
