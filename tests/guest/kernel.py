# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's kernel and busybox: unpacked once from Debian's packages into a cache, never installed."""
import contextlib
import dataclasses
import fcntl
import glob
import os
import shutil
import subprocess
import sys
import tempfile

from trouble import Trouble

METAPACKAGE = "linux-image-cloud-amd64"
FINISHED = "guest-1"  # another number for another layout
INSTALL = "contrib/install-dependencies --all installs it"


@dataclasses.dataclass(frozen=True)
class Kernel:
    root: str  # where the packages are unpacked

    @property
    def release(self):
        return os.listdir(self.modules)[0]

    @property
    def image(self):
        return f"{self.root}/boot/vmlinuz-{self.release}"

    @property
    def modules(self):
        return f"{self.root}/lib/modules"

    @property
    def busybox(self):
        return f"{self.root}/bin/busybox"

    def module_files(self, names):
        """The files of these modules and of what they need, in the order of loading."""
        below = f"{self.modules}/{self.release}"
        needs = {}
        with open(f"{below}/modules.dep", encoding="ascii") as lines:
            for file, _, needed in (line.rstrip("\n").partition(":") for line in lines):
                needs[os.path.basename(file).split(".")[0].replace("-", "_")] = [*reversed(needed.split()), file]
        order = dict.fromkeys(file for name in names for file in needs[name])
        return [f"{below}/{file}" for file in order]


def default_cache():
    return os.environ.get("VARVE_GUEST_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "varve-guest")


def get(cache):
    """The kernel in the cache, put there if it is not. Safe beside other processes that do the same."""
    finished = os.path.join(cache, FINISHED)
    with _locked(cache):
        if not os.path.isdir(finished):
            for left in glob.glob(f"{cache}/.new-*"):  # of a run that was killed
                shutil.rmtree(left)
            _make(cache, finished)
    return Kernel(finished)


@contextlib.contextmanager
def _locked(cache):
    try:
        os.makedirs(cache, exist_ok=True)
        lock = os.open(f"{cache}/lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Trouble(f"cannot use {cache} for the guest's kernel: {error.strerror}; name another place with --cache") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _make(cache, finished):
    print(f"getting the guest's kernel from Debian into {cache}", file=sys.stderr, flush=True)
    new = tempfile.mkdtemp(prefix=".new-", dir=cache)
    try:
        os.mkdir(f"{new}/packages")
        _download(f"{new}/packages", cache)
        for package in glob.glob(f"{new}/packages/*.deb"):
            _call("dpkg-deb", "--extract", package, f"{new}/root")
        _call("depmod", "--basedir", f"{new}/root", Kernel(f"{new}/root").release)
        os.rename(f"{new}/root", finished)
    except OSError as error:
        raise Trouble(f"cannot unpack the guest's kernel in {cache}: {error.strerror}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _download(directory, cache):
    """With the machine's package lists; when they are missing or too old, with fresh ones that are kept apart from them."""
    try:
        _download_with([], directory)
    except Trouble as first:
        with tempfile.TemporaryDirectory(prefix=".new-", dir=cache) as lists:
            own = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={lists}/cache"]
            for needed in ("partial", "cache/archives/partial"):
                os.makedirs(f"{lists}/{needed}")
            try:
                _call("apt-get", *own, "-q", "update")
                _download_with(own, directory)
            except Trouble as second:
                raise Trouble(f"{first}\nWith fresh package lists: {second}") from second


def _download_with(own, directory):
    depends = _call("apt-cache", *own, "depends", "--important", METAPACKAGE)
    kernel = next((word for word in depends.split() if word.startswith("linux-image-") and word != METAPACKAGE), None)
    if not kernel:
        raise Trouble(f"Debian's package lists do not know {METAPACKAGE}; apt-get update brings them")
    _call("apt-get", *own, "-q", "download", kernel, "busybox-static", cwd=directory)


def _call(program, *arguments, cwd=None):
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    try:
        done = subprocess.run([program, *arguments], cwd=cwd, env=environment, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Trouble(f"there is no {program} here to get the guest's kernel with; {INSTALL}") from error
    if done.returncode != 0:
        raise Trouble(f"cannot get the guest's kernel from Debian: {program} {' '.join(arguments)} failed:\n{done.stderr.strip()}")
    return done.stdout
