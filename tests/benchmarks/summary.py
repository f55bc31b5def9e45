# SPDX-License-Identifier: LGPL-2.1-or-later
"""Medians and ratios: what the report and the JSON file say."""
import re
import statistics
from collections import defaultdict
from typing import NamedTuple

from samples import Sample
from targets import targets_of

FLAT = ("start, prepared", "stop with commit", "revert")


class Row(NamedTuple):
    topic: str
    filesystem: str
    what: str
    unit: str
    medians: dict  # by side
    best: dict

    @property
    def more_is_better(self):
        return self.unit == "MiB/s"

    def ratio(self, side, of="medians"):
        """To native; None where there is none."""
        values = getattr(self, of)
        return values[side] / values["native"] if values.get("native") and side in values and side != "native" else None

    def verdicts(self):
        """(target, whether it holds) for each that is about this row."""
        for target in targets_of(self.topic, self.what):
            if target.side not in self.medians or not (target.absolute or self.ratio(target.side)):
                continue
            yield target, target.holds(self.medians[target.side], self.ratio(target.side), self.more_is_better)

    def as_json(self):
        return {"topic": self.topic, "filesystem": self.filesystem, "what": self.what, "unit": self.unit, "medians": self.medians, "best": self.best,
                "ratios": {side: self.ratio(side) for side in self.medians if self.ratio(side)},
                "targets": [{"side": target.side, "limit": target.limit, "holds": holds} for target, holds in self.verdicts()]}


def rows(samples):
    values = defaultdict(lambda: defaultdict(list))
    for topic, filesystem, what, side, value, unit in samples:
        values[topic, what, filesystem, unit][side].append(value)
    found = []
    for (topic, what, filesystem, unit), sides in values.items():
        best = max if unit == "MiB/s" else min
        found.append(Row(topic, filesystem, what, unit, {side: statistics.median(of) for side, of in sides.items()},
                         {side: best(of) for side, of in sides.items()}))
    return in_order(found)


def in_order(found):
    """As it was measured, but what was measured in random order by its shape, and a thing's file systems together."""
    topics, whats = list(dict.fromkeys(row.topic for row in found)), list(dict.fromkeys(row.what for row in found))
    return sorted(found, key=lambda row: (topics.index(row.topic), shape(row.what) or ("", whats.index(row.what), 0)))


def shape(what):
    """(operation, extents, revisions) of a row of the life cycle; None when it has no shape."""
    match = re.fullmatch(r"(.*), extents (\d+), revisions (\d+)", what)
    return (match[1], int(match[2]), int(match[3])) if match else None


def flatness(found):
    """Largest median over smallest, while one of extents and revisions varies and the other is 1."""
    values = defaultdict(list)
    for row in found:
        if not (of := shape(row.what)) or of[0] not in FLAT:
            continue
        operation, extents, revisions = of
        for side, median in row.medians.items():
            if revisions == 1:
                values[row.filesystem, f"{operation}, over extents", side].append(median)
            if extents == 1:
                values[row.filesystem, f"{operation}, over revisions", side].append(median)
    return rows([Sample("Flatness", filesystem, what, side, max(of) / min(of), "times")
                 for (filesystem, what, side), of in values.items() if len(of) > 1])
