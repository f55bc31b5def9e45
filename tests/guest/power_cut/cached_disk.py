# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk with a volatile write cache, and what it may hold when its power fails.

The model of a power cut:
- A write is in the cache when it is acknowledged, and may be lost. It is durable once a flush is acknowledged that came after the write's own
  acknowledgement, or when it asks for durability itself (FUA). A flush that came while the write was still under way does not count.
- Of the writes that are not durable, any part may have reached the disk: each is lost, whole or torn, whatever became of others before and after it.
- A torn write is there in some of its sectors of 512 bytes and not in others. A sector is never torn.
- Later writes to the same place are not overtaken by earlier ones.

A record is kept of all requests, so that one run yields many cuts: before any request that came. With each stands how far the working program had
told of its progress then; so what it had been promised before the cut is known exactly.
"""
import bisect
import dataclasses
import os

SECTOR = 512
ONLY_THE_LAST = "only the last write"  # what it relies on is lost


@dataclasses.dataclass(frozen=True)
class Write:
    offset: int
    data: bytes
    fua: bool


@dataclasses.dataclass(frozen=True)
class Flush:
    covers: int  # requests before this one were acknowledged when the flush came


class CachedDisk:
    """`image`: a descriptor of what the disk shows while it has power."""

    def __init__(self, image):
        self.image = image
        self.requests = []
        self.progress = []  # of the program, at each request
        self._flushes = []  # where in `requests`
        self._base = None

    def record_from_here(self, base):
        """`base`: a descriptor of an empty file, for what is on the disk now. All of it counts as durable."""
        copy_sparse(self.image, base)
        self._base = base

    @property
    def recording(self):
        return self._base is not None

    def read(self, offset, length):
        data = os.pread(self.image, length, offset)
        return data + bytes(length - len(data))

    def write(self, offset, data, fua, progress):
        self._note(Write(offset, bytes(data), fua), progress)
        _write(self.image, offset, data)

    def flush(self, covers, progress):
        if self.recording:
            self._flushes.append(len(self.requests))
        self._note(Flush(covers), progress)

    def _note(self, request, progress):
        if self.recording:
            self.requests.append(request)
            self.progress.append(progress)

    def durable(self, cut):
        """How many of the first requests are durable, FUA apart, when the power fails before request number `cut`."""
        return max((self.requests[at].covers for at in self._flushes[:bisect.bisect_left(self._flushes, cut)]), default=0)

    def holds_back(self, number):
        """Whether this request is a flush, and right after a write, which is still in the cache."""
        return isinstance(self.requests[number], Flush) and number > 0 and isinstance(self.requests[number - 1], Write)

    def after_cut(self, cut, random, disk):
        """Writes into the empty file `disk` what the disk may hold after a cut before request number `cut`. Says in words how it was."""
        durable = self.durable(cut)
        kept = random.choice((0, 0, 0.2, 0.5, 0.8, 1, ONLY_THE_LAST))  # losing everything shows most
        last = max((number for number, request in enumerate(self.requests[:cut]) if isinstance(request, Write)), default=None)
        copy_sparse(self._base, disk)
        fates = {"whole": 0, "torn": 0, "lost": 0}
        for number, request in enumerate(self.requests[:cut]):
            if isinstance(request, Flush):
                continue
            if number < durable or request.fua:
                _write(disk, request.offset, request.data)
                continue
            sectors = range(0, len(request.data), SECTOR)
            reached = _fate(sectors, random, kept if kept != ONLY_THE_LAST else int(number == last))
            for at in reached:
                _write(disk, request.offset + at, request.data[at:at + SECTOR])
            fates["lost" if not reached else "whole" if len(reached) == len(sectors) else "torn"] += 1
        return "of the writes in its cache " + ", ".join(f"{count} {fate}" for fate, count in fates.items())


def _fate(sectors, random, kept):
    """Those of a write's sectors that reached the disk."""
    if random.random() < 0.25:
        return [at for at in sectors if random.random() < kept]
    return list(sectors) if random.random() < kept else []


def _write(descriptor, offset, data):
    while data:
        written = os.pwrite(descriptor, data, offset)
        offset, data = offset + written, data[written:]


def copy_sparse(source, target):
    """Into an empty file."""
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    at = 0
    while at < size:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        end = os.lseek(source, at, os.SEEK_HOLE)
        while at < end:
            data = os.pread(source, min(end - at, 1 << 20), at)
            _write(target, at, data)
            at += len(data)
