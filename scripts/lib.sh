# shellcheck shell=bash
# Brings a bare Debian or Ubuntu machine to a finished .venv; sourced by start and test, which set `root`.
#
# .venv/.ready describes what the venv was built from. While it still tells the truth there is nothing to do, and nothing
# but sha256sum runs. Otherwise one process at a time (flock) installs what is missing. .venv/.unfinished stands while it
# does, so a set-up that was interrupted is thrown away by the next one instead of being trusted.

: "${root:?set by the script that sources this file}"
venv=$root/.venv
required=(ca-certificates gcc libc6-dev portaudio19-dev) # PyAudio has no Linux wheels: pip compiles it
welcome=(espeak-ng libasound2-plugins)                   # a voice for the parrot; the way to Pulse and PipeWire desktops

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { # exit code, then what was wrong and what to do
    say "${@:2}"
    exit "$1"
}

# set_up LOCK...: everything the lock files name is installed when this returns; stdin and stdout are left alone.
set_up() {
    is_ready "$@" || build "$@" </dev/null >&2
}

is_ready() {
    [[ -r $venv/.ready && $(<"$venv/.ready") == "$(describe "$@")"* ]] && compgen -G '/usr/lib*/*/libportaudio.so.2' >/dev/null
}

describe() { # the order matters: what `start` needs is a prefix of what `test` needs
    printf '%s %s\n' "$venv" "$(readlink -f "$venv/bin/python")"
    (cd "$root" && sha256sum pyproject.toml scripts/lib.sh "$@")
}

build() (
    exec 9>"$root/.venv-lock"
    flock --nonblock 9 || { say "another set-up of this checkout is running, waiting for it" && flock 9; }
    ! is_ready "$@" || exit 0
    install_system_packages
    python=$(find_python) || die 1 "Antiphon needs Python 3.11 or newer; python3 here is $(python3 --version 2>/dev/null || echo missing)." \
        "Install one (Ubuntu 22.04: apt-get install python3.11 python3.11-venv python3.11-dev), then run this again."
    make_venv "$python"
    install_python_packages "$@"
    describe "$@" >"$venv/.ready.new"
    mv "$venv/.ready.new" "$venv/.ready"
    rm "$venv/.unfinished"
)

find_python() { # prints the real path, so that neither a pyenv shim nor an active venv can be pulled from under ours
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        "$name" -c 'import os, sys; sys.version_info < (3, 11) and sys.exit(1); print(os.path.realpath(sys.executable))' \
            2>/dev/null && return
    done
    return 1
}

python_packages() { # only the distribution's own interpreter comes in pieces
    local python
    python=$(find_python) || { echo python3 python3-venv python3-dev && return; }
    [[ $python != /usr/bin/* ]] || echo "${python##*/}-venv" "${python##*/}-dev"
}

install_system_packages() {
    command -v dpkg-query >/dev/null || {
        say "not Debian or Ubuntu: please see to these yourself (by their Debian names): ${required[*]} ${welcome[*]}"
        return
    }
    local names
    read -ra names <<<"$(python_packages)"
    mapfile -t names < <(missing "${names[@]}" "${required[@]}")
    ((${#names[@]} == 0)) || apt_install "${names[@]}" ||
        die "$?" "this cannot work without them. As root: apt-get update && apt-get install ${names[*]} ${welcome[*]}" \
            "- then run this again."
    mapfile -t names < <(missing "${welcome[@]}")
    ((${#names[@]} == 0)) || apt_install "${names[@]}" || say "going on without ${names[*]}"
}

missing() { # those of the packages named that are not installed
    local name
    for name; do
        [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null) == installed* ]] || echo "$name"
    done
}

apt_install() { # fails with 4 when we may not install anything
    say "missing system packages: $*"
    ((EUID == 0)) || command -v sudo >/dev/null || { say "installing them needs root, and there is no sudo" && return 4; }
    local install=(apt-get install --yes --no-install-recommends --no-remove -o DPkg::Lock::Timeout=300 "$@")
    say "installing them: ${install[*]}"
    if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
        as_root "${install[@]}" && return
        say "that failed; once more with a new list of packages"
    fi
    as_root apt-get update && as_root "${install[@]}" || return 1
}

as_root() { # quiet but for errors
    local with=(env DEBIAN_FRONTEND=noninteractive)
    ((EUID == 0)) || with=(sudo "${with[@]}")
    "${with[@]}" "$@" >/dev/null 9>&- # 9: a service that a package starts must not inherit, and keep, our lock
}

make_venv() {
    mkdir -p "$venv"
    if ! is_sound; then
        say "making $venv with $1"
        touch "$venv/.unfinished"
        find "$venv" -mindepth 1 ! -name .unfinished -delete
        "$1" -m venv "$venv"
    fi
    touch "$venv/.unfinished"
    rm -f "$venv/.ready"
}

is_sound() { # finished, not moved here from elsewhere, and its interpreter is still there
    [[ ! -e $venv/.unfinished ]] && grep --quiet --fixed-strings "$venv" "$venv/bin/activate" 2>/dev/null &&
        "$venv/bin/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

install_python_packages() {
    say "installing the Python packages (the first time takes about a minute)"
    # The build tool first, by its hash like everything else: a build in isolation would fetch one that nobody pinned.
    pip_install --require-hashes -r <(awk '/^[^ #]/ { ours = /^setuptools==/ } ours' "$root/requirements.lock")
    local lock
    for lock; do
        pip_install --require-hashes --no-build-isolation --use-pep517 -r "$root/$lock"
    done
    # compat = a plain path in a .pth file; the default is an import hook that costs each of our processes 12 ms to start.
    pip_install --no-deps --no-build-isolation --config-settings editable_mode=compat --editable "$root"
}

pip_install() { # PIP_USER=0: some cloud desktops set it, and a venv refuses it
    PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python" -m pip install --quiet --no-input "$@" ||
        die 1 "pip could not install the Python packages, for the reason above. Once that is mended, run this again."
}
