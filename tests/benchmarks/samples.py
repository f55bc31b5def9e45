# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run has measured. One sample is one measurement of one side; the side `native` is what the others are compared with."""
import os
import sys
from typing import NamedTuple


class Sample(NamedTuple):
    topic: str
    filesystem: str
    what: str
    side: str
    value: float
    unit: str  # "MiB/s" is better when it is more, all others when they are less


class Setting:
    """How this run measures, and where its samples go."""

    def __init__(self, chosen):
        self.build = os.path.abspath(chosen.build)
        self.where = chosen.directory
        self.quick = chosen.quick
        self.filesystems = ["xfs"] if chosen.quick else chosen.filesystems.split(",")
        self.repetitions = 1 if chosen.quick else chosen.repetitions
        self.change_repetitions = 1 if chosen.quick else 3 * chosen.repetitions  # of what is short and changes something
        self.samples = []
        self.skipped = []

    def of(self, quick, full):
        return quick if self.quick else full

    def program(self, *path):
        return os.path.join(self.build, *path)

    @property
    def varvefs(self):
        return self.program("fs", "varvefs")

    def add(self, topic, filesystem, what, side, value, unit):
        self.samples.append(Sample(topic, filesystem, what, side, value, unit))

    def skip(self, what, why):
        line = f"{what}: {why}"
        if line not in self.skipped:
            self.skipped.append(line)
            print(f"run: left out {line}", file=sys.stderr)

    def rotated(self, sides, repetition):
        """In another order each time, so that none always comes behind the same."""
        sides = list(sides)
        at = repetition % len(sides)
        return sides[at:] + sides[:at]
