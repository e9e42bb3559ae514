#!/bin/sh
# Make or renew the development environment: PYTHON, VENV and BUILD_JOBS come from the Makefile.
set -eu

say() { printf '%s\n' "$*" >&2; }

if ! command -v "$PYTHON" >/dev/null 2>&1; then
    say "make: no $PYTHON here. Install Python 3.11 or later, or name one: make PYTHON=python3.12 ..."
    exit 1
fi
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "make: $PYTHON is $("$PYTHON" -c 'import platform; print(platform.python_version())'), and maw needs Python 3.11" \
        "or later. Name another one: make PYTHON=python3.12 ..."
    exit 1
fi

if command -v uv >/dev/null 2>&1; then
    [ -x "$VENV/bin/python" ] || uv venv --quiet --python "$PYTHON" "$VENV"
    install() { uv pip install --quiet --python "$VENV/bin/python" "$@"; }
else
    [ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
    install() { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
fi

if ! "$VENV/bin/python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("llama_cpp") is None)'; then
    say "make: installing. llama.cpp is compiled from source the first time: 8 to 20 minutes with $BUILD_JOBS job(s)."
    say "make: the built wheel is kept in the installer's cache, so the next environment takes seconds."
    for tool in cc c++; do
        command -v "$tool" >/dev/null 2>&1 || {
            say "make: no $tool here. Install a C and C++ compiler first (Debian: build-essential; macOS: xcode-select --install)."
            exit 1
        }
    done
fi
# Some virtual machines announce AMX and fault when it is used. GCC and Clang heed these wherever they stand.
if grep -qs '^flags.*\bhypervisor\b' /proc/cpuinfo && grep -qs '^flags.*\bamx_tile\b' /proc/cpuinfo; then
    CFLAGS="${CFLAGS:-} -mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
    CXXFLAGS="${CXXFLAGS:-} -mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
    export CFLAGS CXXFLAGS
fi
CMAKE_BUILD_PARALLEL_LEVEL="$BUILD_JOBS" install -c constraints.txt -e '.[dev]'
