# SPDX-License-Identifier: LGPL-2.1-or-later
"""A large pool: listing it, by `ls` and by `varve`, its first bytes, the server's memory, and how long mounting takes."""
import os
import subprocess
import tempfile
import time

import google
import servers
import stage

VOLUMES = "Listing"
COMMANDS = "Command line"
MEMORY = "Memory of varvefs"
MOUNTING = "Mounting"
WHAT = {"list-first": "readdir and lstat, first time", "list": "readdir and lstat, again", "stat": "stat of each, names known",
        "first-byte-first": "first byte of a just opened revision, first time", "first-byte": "first byte of a just opened revision, again"}


def make_pool(vms, volumes, histories, revisions):
    os.makedirs(f"{vms}/many")
    for number in range(volumes):
        make_state(f"{vms}/many/v{number}.img", stage.FIRST_SECOND + number)
    for vm in range(histories):
        os.mkdir(f"{vms}/history{vm}")
        for number in range(1, revisions + 1):
            seconds = stage.FIRST_SECOND + number
            make_state(f"{vms}/history{vm}/{stage.revision_name(number, seconds)}", seconds)
        make_state(f"{vms}/history{vm}/root.img", stage.FIRST_SECOND + revisions + 1)


def make_state(path, seconds):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.ftruncate(file, stage.MIB)
    os.utime(file, (seconds, seconds))
    os.close(file)


def seconds_of(*command):
    begin = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def ls(directory):
    return seconds_of("ls", "-l", directory)


class LargePool:
    def __init__(self, setting, filesystem, disk, directory):
        self.setting = setting
        self.filesystem = filesystem
        self.volumes, self.histories, self.revisions = setting.of((1_000, 10, 100), (10_000, 100, 1_000))
        self.vms = f"{disk}/pool/appvms"
        make_pool(self.vms, self.volumes, self.histories, self.revisions)
        stage.write_image(f"{disk}/content", stage.MIB)
        self.first_revisions = setting.of(100, 1_000)
        stage.make_volume(f"{self.vms}/first", f"{disk}/content", self.first_revisions)
        self.varve = servers.Varve(setting.varvefs, directory, f"{disk}/pool")
        self.arguments = [self.varve.pool, self.vms, f"{disk}/bare"]

    def google(self, only, repetitions=1):
        for found in google.benchmarks(self.setting.program("tests/benchmarks/mount_benchmark"), self.arguments, repetitions=repetitions, only=only):
            entries = f"{self.volumes} volumes" if found.detail == "many" else "each"
            self.setting.add(VOLUMES, self.filesystem, f"{WHAT[found.operation]}, {entries}", found.side, found.microseconds, "µs")

    def list_all(self, which):
        """`ls -l` below both, natively first: mounting has not yet been paid for then by either."""
        for side, above in (("native", self.vms), ("varve", self.varve.pool)):
            self.setting.add(VOLUMES, self.filesystem, f"`ls -l` of {self.volumes} volumes, {which}", side, ls(f"{above}/many") * 1e6, "µs")

    def once(self):
        """From a cold start of everything."""
        stage.forget_everything()
        self.setting.add(MOUNTING, self.filesystem, self.contents(), "varve", self.varve.start(), "s")
        try:
            self.list_all("first time")
            self.list_all("again")
            self.add_memory(f"{self.volumes} volumes listed", 0)
            self.google("^(list|stat)/.*/many", self.setting.of(1, 3))
            before = self.varve.resident_bytes()
            for vm in range(self.histories):
                ls(f"{self.varve.pool}/history{vm}")
            self.add_memory(f"for each of {self.histories * self.revisions} revisions that were listed too", before)
            self.google("^first-byte-first/.*/first/")
            self.google("^first-byte/.*/first/", self.setting.of(1, 3))
            self.commands()
        finally:
            self.varve.stop()

    def make_events(self):
        """Their number: a setting of one volume is changed and changed back."""
        count = self.setting.of(100, 5_000)
        for number in range(count):
            with open(f"{self.varve.pool}/first/.varve/root/revisions_to_keep", "w", encoding="ascii") as file:
                file.write(f"{number % 2 + 2000}\n")
        return count

    def commands(self):
        """What `varve` takes for everything, beside what the shell's tools take for as much."""
        varve = [self.setting.program("orchestrator", "cli", "varve"), "--mount", self.varve.mountpoint]
        all_of_it = f"{self.volumes + self.histories + 1} volumes, {self.histories * self.revisions + self.first_revisions} revisions"
        events = self.make_events()
        for what, subcommand, beside in ((f"`varve ls`, beside `ls -lR` of the mount, {all_of_it}", ["ls"], ["ls", "-lR", self.varve.pool]),
                                         (f"`varve ls -r`, beside `ls -lR` of the mount, {all_of_it}", ["ls", "-r"], ["ls", "-lR", self.varve.pool]),
                                         (f"`varve usage`, beside `du` of the images, {all_of_it}", ["usage"], ["du", "-a", self.vms]),
                                         (f"`varve events`, beside `cat`, {events} events", ["events"], ["cat", f"{self.varve.mountpoint}/.varve/events"])):
            for side, command in (("native", beside), ("varve", [*varve, *subcommand])):
                self.setting.add(COMMANDS, self.filesystem, what, side, seconds_of(*command), "s")

    def add_memory(self, what, before):
        resident = self.varve.resident_bytes() - before
        if before:
            self.setting.add(MEMORY, self.filesystem, what, "varve", resident / (self.histories * self.revisions), "B")
        else:
            self.setting.add(MEMORY, self.filesystem, what, "varve", resident / stage.MIB, "MiB")

    def contents(self):
        return f"a pool with {self.volumes} volumes and {self.histories * self.revisions} revisions, cold"


def run(setting):
    for filesystem in setting.filesystems:
        with stage.loop_filesystem(filesystem, setting.where) as disk, tempfile.TemporaryDirectory(prefix="varve-benchmark-") as directory:
            pool = LargePool(setting, filesystem, disk, directory)
            for _ in range(setting.repetitions):
                pool.once()
