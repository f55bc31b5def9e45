# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Varve promises about its speed. A ratio is to the side `native` of the same run: of speeds at least, of times at most."""
import re
from typing import NamedTuple


class Target(NamedTuple):
    topic: str
    what: str   # a regular expression
    side: str
    limit: float
    absolute: bool = False  # of the value itself, in its own unit, at most

    def text(self, more_is_better):
        sign = "≥" if more_is_better and not self.absolute else "≤"
        return f"{sign} {self.limit:g}"

    def holds(self, value, ratio, more_is_better):
        if self.absolute:
            return value <= self.limit
        return ratio >= self.limit if more_is_better else ratio <= self.limit


TARGETS = (
    Target("Reading", "^sequential", "varve", 0.97),
    Target("Reading", "^sequential", "fallback", 0.45),
    Target("Reading", "^random 4 KiB, depth 1, .*cached", "varve", 0.85),
    Target("Reading", "^random 4 KiB, depth 1, O_DIRECT", "varve", 0.97),
    Target("Writing", "^whole image", "varve", 0.95),
    Target("Writing", "^in place", "varve", 0.55),
    *(Target("Life cycle", what, side, limit) for side in ("varve", "ctl")
      for what, limit in (("^start, prepared", 2.0), ("^stop with commit", 1.5), ("^revert", 1.5))),
    *(Target("Flatness", ".", side, 1.2, absolute=True) for side in ("varve", "ctl")),
    Target("Listing", "^`ls -l` of .*, again", "varve", 5),  # a fifth of the speed
    Target("Command line", "^`varve (ls|events)`", "varve", 1, absolute=True),
    Target("Command line", "^`varve (ls -r|usage)`", "varve", 5, absolute=True),
    Target("Memory of varvefs", "volumes listed", "varve", 64, absolute=True),
    Target("Memory of varvefs", "for each of", "varve", 200, absolute=True),
    Target("Mounting", ".", "varve", 2, absolute=True),
    Target("Starting a VM", "^over", "varve", 50, absolute=True),
    Target("Disposables", " at once", "varve", 1),
    Target("Listing VMs", ".", "varve", 20, absolute=True),
    Target("Processor time of the server", ".", "varve", 0.05, absolute=True),
)


def targets_of(topic, what):
    return [target for target in TARGETS if target.topic == topic and re.search(target.what, what)]
