#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2034  # variables of those who source this
# For tests of the whole daemon in a guest, which source this: a daemon with one pool, and checks that are counted.
#
#   stage VARVEFS VARVE POOL    sets dir, mount, pool (a mounted pool's directory) and the trap that ends everything
#   configure LINE...           writes the daemon's configuration: the pool's own lines
dir=/run/daemon-test
mount=$dir/varve
checks=0
daemon=

stage() {
    varvefs=$1 varve=$2 pool_name=$3
    pool=$mount/pools/$pool_name
    mkdir -p "$mount" "$dir/state"
    trap 'umount -l "$mount" 2>/dev/null || true; [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true' EXIT
}
configure() {
    {
        printf 'mountpoint = "%s"\nstate_dir = "%s"\nmin_free = "0"\n[[pool]]\nname = "%s"\n' "$mount" "$dir/state" "$pool_name"
        printf '%s\n' "$@"
    } >"$dir/varve.toml"
}

fail() {
    echo "${0##*/}: $*" >&2
    tail -n 5 "$mount/.varve/errors" "$dir/log" >&2 || true
    exit 1
}
check() { # WHAT COMMAND...
    local what=$1
    shift
    "$@" || fail "$what"
    checks=$((checks + 1))
}
equal() { check "$1: '$2' instead of '$3'" [ "$2" = "$3" ]; }
same() { check "$1 differs from $2" cmp "$1" "$2"; }
refused() { # ERRNO-TEXT COMMAND...
    local text=$1 said
    shift
    if said=$(LC_ALL=C "$@" 2>&1); then fail "not refused: $*"; fi
    case $said in *"$text"*) checks=$((checks + 1)) ;; *) fail "'$said' instead of '$text': $*" ;; esac
}
command() { "$varve" --mount "$mount" "$@" >/dev/null; }
await() { # until the command succeeds, 60 s at most
    local i
    for ((i = 0; i < 600; i++)); do
        if "$@"; then return; fi
        read -rt 0.1 <> <(:) || true
    done
    fail "waited in vain: $*"
}
mounted_by_daemon() { mountpoint -q "$mount" || ! kill -0 "$daemon" 2>/dev/null; }
run_daemon() {
    "$varvefs" --config "$dir/varve.toml" --foreground >>"$dir/log" 2>&1 &
    daemon=$!
    await mounted_by_daemon
    check "the daemon has ended" mountpoint -q "$mount"
}
kill_daemon() {
    kill -9 "$daemon"
    wait "$daemon" 2>/dev/null || true # its status is that it was killed
    umount -l "$mount"
}
end_daemon() {
    umount "$mount"
    wait "$daemon" || true
    daemon=
}
random() { head -c "$1" /dev/urandom; }
passed() { echo "${0##*/}: $checks checks passed"; }
