# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured on: a file system on a loop device in memory, a pool with VMs on it, and a mounted Varve."""
import contextlib
import os
import subprocess
import tempfile
import time

MIB = 1 << 20
FIRST_SECOND = 1_500_000_000

MKFS = {"xfs": ["mkfs.xfs", "-q", "-m", "reflink=1"], "btrfs": ["mkfs.btrfs", "-q"]}


def call(*arguments):
    subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def loop_filesystem(kind, where):
    """An empty file system of 4 GiB; yields its directory. The mount belongs to this process's own mount table."""
    with tempfile.TemporaryDirectory(prefix="varve-benchmark-", dir=where) as directory:
        image, mounted = os.path.join(directory, "image"), os.path.join(directory, "mounted")
        os.mkdir(mounted)
        with open(image, "wb") as file:
            file.truncate(4096 * MIB)
        call(*MKFS[kind], image)
        call("mount", "-o", "loop,noatime", image, mounted)
        os.unlink(image)  # the loop device keeps it
        try:
            yield mounted
        finally:
            # A program that was killed between freezing and thawing would block this for ever.
            subprocess.run(["fsfreeze", "--unfreeze", mounted], check=False, stderr=subprocess.DEVNULL)
            call("umount", mounted)


def write_image(path, data_bytes, size, seconds):
    """An image of `size` bytes that begins with so much random data."""
    with open(path, "wb") as file:
        for start in range(0, data_bytes, 16 * MIB):
            file.write(os.urandom(min(16 * MIB, data_bytes - start)))
        file.truncate(size)
    os.utime(path, (seconds, seconds))


def make_pool(directory, read_mib):
    """A pool as the driver file-reflink finds it on disk: VMs to list, one to start and stop, one to read."""
    vms = os.path.join(directory, "appvms")
    for vm in ("life", "read"):
        os.makedirs(os.path.join(vms, vm))
    write_image(os.path.join(vms, "life", "root.img"), 64 * MIB, 64 * MIB, FIRST_SECOND)
    write_image(os.path.join(vms, "read", "root.img"), read_mib * MIB, read_mib * MIB, FIRST_SECOND)
    for count in (100, 1000):
        os.mkdir(os.path.join(vms, f"volumes{count}"))
        for number in range(count):
            write_image(os.path.join(vms, f"volumes{count}", f"v{number}.img"), 4096, MIB, FIRST_SECOND + number)
        os.mkdir(os.path.join(vms, f"revisions{count}"))
        for number in range(1, count + 1):
            seconds = FIRST_SECOND + number
            name = time.strftime(f"root.img.{number}@%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
            write_image(os.path.join(vms, f"revisions{count}", name), 4096, MIB, seconds)
        write_image(os.path.join(vms, f"revisions{count}", "root.img"), 4096, MIB, FIRST_SECOND + count + 1)
    os.sync()


class Daemon:
    """varvefs, mounted with one pool `fast`."""

    def __init__(self, program, directory, pool_directory):
        self.mountpoint = os.path.join(directory, "varve")
        self.pool = os.path.join(self.mountpoint, "pools", "fast")
        self._log = os.path.join(directory, "varvefs.log")
        config = os.path.join(directory, "varve.toml")
        # setpriv: it ends with this process, however that ends.
        self._command = ["setpriv", "--pdeathsig", "KILL", program, "--foreground", "--config", config]
        self._process = None
        for name in ("varve", "state"):
            os.mkdir(os.path.join(directory, name))
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'mountpoint = "{self.mountpoint}"\nstate_dir = "{directory}/state"\nmin_free = "0%"\n\n'
                       f'[[pool]]\nname = "fast"\ndriver = "file-reflink"\ndir_path = "{pool_directory}"\nrevisions_to_keep = 5\n')

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not os.path.ismount(self.mountpoint):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("varvefs did not mount: " + self.log_tail())
            time.sleep(0.01)

    def stop(self):
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError("varvefs did not end: " + self.log_tail()) from None
        finally:
            self._process = None
            subprocess.run(["umount", "--lazy", self.mountpoint], check=False, stderr=subprocess.DEVNULL)

    def log_tail(self):
        with open(self._log, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def resident_kib(self):
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
