# SPDX-License-Identifier: LGPL-2.1-or-later
"""The life cycle of a volume: through the driver, through the mount's ctl, by bare system calls and by a user's scripts."""
import os
import tempfile

import google
import scripts
import servers
import stage

SHAPES = ((1, 1), (1_000, 1), (100_000, 1), (1, 100), (1, 1_000))
QUICK_SHAPES = ((1, 1), (1_000, 1), (1, 100))
LARGE = 100_000
TOPIC = "Life cycle"
OPERATIONS = {
    "start-ready": "start, prepared",
    "start-cloning": "start, not prepared",
    "stop": "stop with commit",
    "revert": "revert",
    "snapshot": "snapshot (label)",
    "clone": "clone",
    "commit-1MiB": "open, overwrite 1 MiB in place, close",
}


def shape_name(extents, revisions):
    return f"extents {extents}, revisions {revisions}"


def pattern(shapes):
    return "|".join(f"/extents:{extents}/revisions:{revisions}/" for extents, revisions in shapes)


class LifeCycle:
    def __init__(self, setting, filesystem, disk):
        self.setting = setting
        self.filesystem = filesystem
        self.disk = disk
        self.shapes = setting.of(QUICK_SHAPES, SHAPES)
        for extents in {extents for extents, _ in self.shapes}:
            stage.write_fragmented(self.content(extents), extents)

    def content(self, extents):
        return f"{self.disk}/content-{extents}"

    def add(self, operation, shape, side, microseconds):
        what = OPERATIONS[operation] + (f", {shape}" if shape else "")
        self.setting.add(TOPIC, self.filesystem, what, side, microseconds, "µs")

    def run_google(self, name, arguments):
        for large in (False, True):
            shapes = [shape for shape in self.shapes if (shape[0] == LARGE) == large]
            if shapes:
                for found in google.benchmarks(self.setting.program("tests/benchmarks", name), arguments,
                                               repetitions=self.setting.repetitions if large else self.setting.change_repetitions, only=pattern(shapes)):
                    self.add(found.operation, found.detail, found.side, found.microseconds)

    def run_driver(self):
        self.run_google("driver_benchmark", [self.disk])

    def run_ctl(self):
        pool = f"{self.disk}/pool"
        vms = f"{pool}/appvms"
        for extents, revisions in self.shapes:
            stage.make_volume(f"{vms}/e{extents}r{revisions}", self.content(extents), revisions)
        stage.write_image(f"{self.disk}/life", 64 << 20)
        stage.make_volume(f"{vms}/life", f"{self.disk}/life")
        with tempfile.TemporaryDirectory(prefix="varve-benchmark-") as directory:
            varve = servers.Varve(self.setting.varvefs, directory, pool)
            with varve:
                arguments = [varve.pool, vms, f"{self.disk}/bare"]
                self.run_google("mount_benchmark", arguments)
                for found in google.benchmarks(self.setting.program("tests/benchmarks/mount_benchmark"), arguments,
                                               repetitions=self.setting.change_repetitions, only="^commit-"):
                    self.add(found.operation, "", found.side, found.microseconds)

    def run_scripts(self):
        for kind in scripts.kinds(self.filesystem):
            for extents, revisions in self.shapes:
                directory = os.path.join(self.disk, kind.__name__, f"e{extents}r{revisions}")
                script = kind(directory, self.content(extents), revisions)
                for operation, microseconds in scripts.measure(self.disk, script, self.setting.repetitions):
                    self.add(operation, shape_name(extents, revisions), kind.name, microseconds)


def run(setting):
    for filesystem in setting.filesystems:
        with stage.loop_filesystem(filesystem, setting.where) as disk:
            cycle = LifeCycle(setting, filesystem, disk)
            cycle.run_driver()
            cycle.run_ctl()
            cycle.run_scripts()
