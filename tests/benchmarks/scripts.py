# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same life cycle as a user's shell script would do it: with cp --reflink, and with Btrfs subvolumes. Each step ends on stable storage."""
import glob
import os
import shutil
import subprocess
import time

import stage

# Where each runs there is the image, root-ready.img, root-running.img for stop, and at least one revision root.img.N@....
CP = {
    "start-ready": "mv root-ready.img root-running.img && sync .",
    "start-cloning": "cp --reflink=always root.img root-running.img && sync root-running.img .",
    "stop": "sync root-running.img && ln root.img root.img.new && mv root-running.img root.img && sync .",
    "revert": "cp --reflink=always \"$1\" copy.img && sync copy.img && ln root.img root.img.new && mv copy.img root.img && sync .",
    "clone": "cp --reflink=always root.img copy.img",
    "snapshot": "cp --reflink=always root.img copy.img && sync copy.img .",
}
# A subvolume holds the image; `volume`, `running`, and revisions beside it.
SUBVOLUME = {
    "start-cloning": "btrfs -q subvolume snapshot volume running && sync -f .",
    "stop": "sync -f . && mv volume volume.new && mv running volume && sync -f .",
    "revert": "btrfs -q subvolume snapshot \"$1\" copy && mv volume volume.new && mv copy volume && sync -f .",
    "clone": "btrfs -q subvolume snapshot volume copy",
    "snapshot": "btrfs -q subvolume snapshot -r volume copy && sync -f .",
}


def shell(directory, script, *arguments):
    subprocess.run(["sh", "-ec", script, "sh", *arguments], cwd=directory, check=True, stdin=subprocess.DEVNULL)


class CpScript:
    name = "cp --reflink script"
    scripts = CP

    def __init__(self, directory, content, revisions):
        self.directory = directory
        stage.make_volume(directory, content, revisions)
        self._revision = os.path.basename(glob.glob(f"{directory}/root.img.1@*")[0])

    def argument(self):
        return self._revision

    def prepare(self, operation):
        if operation == "start-ready" and not os.path.exists(f"{self.directory}/root-ready.img"):
            shell(self.directory, "cp --reflink=always root.img root-ready.img")
        if operation == "stop":
            shell(self.directory, "cp --reflink=always root.img root-running.img")

    def dirty(self, operation):
        if operation == "stop":
            write_block(f"{self.directory}/root-running.img")

    def clean_up(self, operation):
        if os.path.exists(f"{self.directory}/root.img.new"):
            os.rename(f"{self.directory}/root.img.new", f"{self.directory}/root.img")
        if operation == "start-ready":
            os.rename(f"{self.directory}/root-running.img", f"{self.directory}/root-ready.img")
        remove(self.directory, "root-running.img", "copy.img")


class SubvolumeScript:
    name = "Btrfs subvolume script"
    scripts = SUBVOLUME

    def __init__(self, directory, content, revisions):
        self.directory = directory
        os.makedirs(directory)
        shell(directory, "btrfs -q subvolume create volume")
        stage.clone(content, f"{directory}/volume/root.img")
        for number in range(revisions):
            shell(directory, "btrfs -q subvolume snapshot -r volume \"$1\"", f"revision{number}")

    def argument(self):
        return "revision0"

    def prepare(self, operation):
        if operation == "stop":
            shell(self.directory, "btrfs -q subvolume snapshot volume running")

    def dirty(self, operation):
        if operation == "stop":
            write_block(f"{self.directory}/running/root.img")

    def clean_up(self, operation):
        if os.path.exists(f"{self.directory}/volume.new"):
            remove(self.directory, "volume")
            os.rename(f"{self.directory}/volume.new", f"{self.directory}/volume")
        if operation == "snapshot":  # what is read-only stays in its directory
            shell(self.directory, "btrfs property set copy ro false")
        remove(self.directory, "running", "copy")


def remove(directory, *names):
    """Out of sight only: freeing 100,000 extents takes as long as cloning them, and the whole file system goes in the end."""
    os.makedirs(f"{directory}/removed", exist_ok=True)
    for name in names:
        if os.path.exists(f"{directory}/{name}"):
            os.rename(f"{directory}/{name}", f"{directory}/removed/{len(os.listdir(f'{directory}/removed'))}")


def write_block(path):
    with open(path, "r+b") as file:
        file.write(b"v" * stage.BLOCK)


def measure(disk, script, repetitions):
    """(operation, microseconds), the start of the shell included: a user's script has it too."""
    for _ in range(repetitions):
        for operation, text in script.scripts.items():
            script.prepare(operation)
            stage.rest(disk)
            script.dirty(operation)
            begin = time.monotonic()
            shell(script.directory, text, script.argument())
            yield operation, (time.monotonic() - begin) * 1e6
            script.clean_up(operation)


def kinds(filesystem):
    yield CpScript
    if filesystem == "btrfs" and shutil.which("btrfs"):
        yield SubvolumeScript
