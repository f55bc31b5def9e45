# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the working program's journal says was going on at each moment."""
import bisect


class Told:
    def __init__(self, journal):
        """`journal`: its bytes."""
        self._ends, self._pending = [0], [None]
        pending = None
        for line in journal.splitlines(keepends=True):
            words = line.decode("ascii").split()
            if words[0] == "begin":
                pending = "template stop" if words[1:3] == ["commit", "template/root"] else words[1]
            elif words[0] == "done":
                pending = None
            self._ends.append(self._ends[-1] + len(line))
            self._pending.append(pending)

    def pending(self, progress):
        """The operation that was begun and not done when the journal was so long; None between two."""
        return self._pending[bisect.bisect_right(self._ends, progress) - 1]
