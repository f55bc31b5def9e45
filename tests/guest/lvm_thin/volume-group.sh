#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests of the whole daemon on LVM, which source this: a volume group on a disk that can fail.
# shellcheck source=tests/guest/daemon.sh
. "${BASH_SOURCE[0]%/*}/../daemon.sh"

# Each of LVM's commands is one argument. One process for all: LVM takes seconds to start in an emulated machine.
lvm() {
    local said
    said=$(printf '%s\n' "$@" | "${varvefs%/*}/varve-lvm-worker")
    [ "$(grep -c '^S 1$' <<<"$said")" -eq $# ] || fail "LVM says of $*: $said"
}

# disk_is TARGET...: device-mapper's target that all of the volume group lies on.
disk_is() {
    dmsetup reload disk --table "0 $(blockdev --getsz /dev/vda) $*"
    dmsetup suspend --noflush --nolockfs disk
    dmsetup resume disk
}

# make_volume_group SIZE: `vg` with the thin pool `pool` of this size on /dev/vda. A full pool gives errors at once.
make_volume_group() {
    export LVM_SYSTEM_DIR=$dir/lvm
    mkdir "$LVM_SYSTEM_DIR"
    echo 'devices { filter = [ "a|^/dev/mapper/disk$|", "r|.*|" ] }' >"$LVM_SYSTEM_DIR/lvm.conf"
    dmsetup create disk --table "0 $(blockdev --getsz /dev/vda) linear /dev/vda 0"
    lvm "pvcreate -qq --yes -ff /dev/mapper/disk" "vgcreate -qq --physicalextentsize 64k vg /dev/mapper/disk" \
        "lvcreate -qq --yes --type thin-pool --size $1 --chunksize 64k --poolmetadatasize 2m --name pool vg" \
        "lvchange -qq --errorwhenfull y vg/pool"
}
