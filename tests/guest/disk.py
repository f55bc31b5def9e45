# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks of a guest: /dev/vda, /dev/vdb, ... in this order."""
import os
import re
import tempfile

from trouble import Trouble

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Disk:
    """A raw image, open for reading and writing."""

    def __init__(self, descriptor, flushing):
        self.descriptor = descriptor
        self._flushing = flushing  # whether the guest's flushes reach the host's disk

    def arguments(self, number):
        flush = "off" if self._flushing else "on"
        return ["-add-fd", f"set={number},fd={self.descriptor}",
                "-blockdev", f"driver=raw,node-name=disk{number},cache.no-flush={flush},discard=unmap,"
                             f"file.driver=file,file.filename=/dev/fdset/{number},file.locking=off",
                "-device", f"virtio-blk-pci,drive=disk{number},serial=disk{number}"]


def scratch(where):
    """A descriptor of an empty file without a name in this directory."""
    with tempfile.TemporaryFile(dir=where) as file:
        return os.dup(file.fileno())


def of_argument(text, where):
    """A file's name, or a size such as 512M or 2G for an empty disk, which lies without a name in the directory `where`."""
    size = re.fullmatch(r"(\d+)([KMG]?)", text)
    try:
        if not size:
            return Disk(os.open(text, os.O_RDWR | os.O_CLOEXEC), flushing=True)
        empty = Disk(scratch(where), flushing=False)
        os.truncate(empty.descriptor, int(size[1]) * UNITS[size[2]])
        return empty
    except OSError as error:
        raise Trouble(f"cannot use {text} as a disk: {error.strerror}") from error
