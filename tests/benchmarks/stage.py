# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured on: a file system on a loop device in memory, the images on it, and what the page cache holds of them."""
import contextlib
import fcntl
import os
import subprocess
import tempfile
import time

MIB = 1 << 20
BLOCK = 4096
FIRST_SECOND = 1_500_000_000
FICLONE, FIFREEZE, FITHAW = 0x40049409, 0xC0045877, 0xC0045878

MKFS = {"xfs": ["mkfs.xfs", "-q", "-m", "reflink=1"], "btrfs": ["mkfs.btrfs", "-q"]}


def call(*arguments):
    subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def loop_filesystem(kind, where, gib=12):
    """An empty sparse file system; yields its directory. The mount belongs to this process's own mount table."""
    with tempfile.TemporaryDirectory(prefix="varve-benchmark-", dir=where) as directory:
        image, mounted = os.path.join(directory, "image"), os.path.join(directory, "mounted")
        os.mkdir(mounted)
        with open(image, "wb") as file:
            file.truncate(gib << 30)
        call(*MKFS[kind], image)
        call("mount", "-o", "loop,noatime", image, mounted)
        os.unlink(image)  # the loop device keeps it
        try:
            yield mounted
        finally:
            # A program that was killed between freezing and thawing would block this for ever.
            subprocess.run(["fsfreeze", "--unfreeze", mounted], check=False, stderr=subprocess.DEVNULL)
            unmount(mounted)


def unmount(directory):
    """With a little patience: who had files open there may be ending."""
    deadline = time.monotonic() + 10
    while subprocess.run(["umount", directory], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{directory} cannot be unmounted")
        time.sleep(0.05)


def rest(directory):
    """Writes everything out, and waits until nothing is under way in the background either, as XFS's freeing of removed files."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        fcntl.ioctl(opened, FIFREEZE, 0)
        fcntl.ioctl(opened, FITHAW, 0)
    finally:
        os.close(opened)


def write_image(path, data_bytes, size=None, seconds=FIRST_SECOND):
    """An image of `size` bytes that begins with so much random data."""
    with open(path, "wb") as file:
        for start in range(0, data_bytes, 16 * MIB):
            file.write(os.urandom(min(16 * MIB, data_bytes - start)))
        file.truncate(size or data_bytes)
    os.utime(path, (seconds, seconds))


def write_fragmented(path, extents):
    """A block of data, a block of nothing, and so on: each block of data is an extent."""
    data = b"d" * BLOCK
    with open(path, "wb") as file:
        file.truncate(max(MIB, extents * 2 * BLOCK))  # first: XFS preallocates behind a growing file's end
        for number in range(extents):
            os.pwrite(file.fileno(), data, number * 2 * BLOCK)
        os.fsync(file.fileno())
    os.utime(path, (FIRST_SECOND, FIRST_SECOND))


def clone(source, path, seconds=FIRST_SECOND):
    with open(source, "rb") as content, open(path, "xb") as file:
        fcntl.ioctl(file.fileno(), FICLONE, content.fileno())
    os.utime(path, (seconds, seconds))


def revision_name(number, seconds):
    return time.strftime(f"root.img.{number}@%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def make_volume(vm, content, revisions=0):
    """A VM's directory as file-reflink keeps it: the volume `root` and its revisions, all with the data of `content`."""
    os.makedirs(vm)
    for number in range(1, revisions + 1):
        clone(content, os.path.join(vm, revision_name(number, FIRST_SECOND + number)), FIRST_SECOND + number)
    clone(content, os.path.join(vm, "root.img"), FIRST_SECOND + revisions + 1)


def forget(*paths):
    """Drops the files' pages, so that the next reader waits for the device."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def forget_everything():
    """Of all files on the machine: pages, inodes and names."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")
