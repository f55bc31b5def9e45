# SPDX-License-Identifier: LGPL-2.1-or-later
"""SVG plots of the life cycle: latency against the number of extents or of revisions, both logarithmic."""
import html
import math
import os
from collections import defaultdict

from summary import shape

OPERATIONS = ("start, prepared", "stop with commit", "revert", "snapshot (label)")
COLOURS = {"native": "#555", "varve": "#c22", "ctl": "#26c", "cp --reflink script": "#2a2", "Btrfs subvolume script": "#a6a"}
LABELS = {"native": "bare system calls", "varve": "Varve, driver", "ctl": "Varve, mount"}
WIDTH, HEIGHT, GAP, TOP = 230, 220, 55, 50


def lines_of(rows, filesystem, varying):
    """{operation: {side: [(count, microseconds)]}}; `varying` is 1 for extents, 2 for revisions."""
    found = defaultdict(lambda: defaultdict(list))
    for row in rows:
        of = shape(row.what)
        if row.filesystem != filesystem or not of or of[0] not in OPERATIONS or of[3 - varying] != 1:
            continue
        for side, median in row.medians.items():
            found[of[0]][side].append((of[varying], median))
    return {operation: {side: sorted(points) for side, points in sides.items()} for operation, sides in found.items()}


class Panel:
    """One operation; draws at `left`."""

    def __init__(self, left, largest_x, y_range):
        self.left = left
        self.x_decades = max(1, math.ceil(math.log10(largest_x)))
        self.low, self.high = math.floor(math.log10(y_range[0])), math.ceil(math.log10(y_range[1]))

    def x(self, value):
        return self.left + WIDTH * math.log10(value) / self.x_decades

    def y(self, value):
        return TOP + HEIGHT * (self.high - math.log10(value)) / max(1, self.high - self.low)

    def draw(self, title, sides):
        yield f'<rect x="{self.left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>'
        yield text(self.left + WIDTH / 2, TOP - 8, title, "middle")
        for decade in range(self.x_decades + 1):
            yield text(self.x(10 ** decade), TOP + HEIGHT + 16, f"{10 ** decade:,}", "middle")
        for decade in range(self.low, self.high + 1):
            y = self.y(10 ** decade)
            yield f'<line x1="{self.left}" x2="{self.left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            yield text(self.left - 5, y + 4, microseconds(decade), "end")
        for side, points in sides.items():
            path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
            yield f'<polyline points="{path}" fill="none" stroke="{COLOURS[side]}" stroke-width="2"/>'
            yield from (f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{COLOURS[side]}"/>' for x, y in points)


def microseconds(decade):
    unit, scale = ("µs", 0) if decade < 3 else ("ms", 3) if decade < 6 else ("s", 6)
    return f"{10 ** (decade - scale)} {unit}"


def text(x, y, words, anchor):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(words)}</text>'


def svg(lines, title):
    points = [point for sides in lines.values() for of in sides.values() for point in of]
    y_range = min(y for _, y in points), max(y for _, y in points)
    width = len(lines) * (WIDTH + GAP) + GAP
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{TOP + HEIGHT + 60}" font-family="sans-serif" font-size="12">'
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield text(GAP, 18, title, "start")
    for number, operation in enumerate(operation for operation in OPERATIONS if operation in lines):
        yield from Panel(GAP + number * (WIDTH + GAP), max(x for x, _ in points), y_range).draw(operation, lines[operation])
    for number, side in enumerate(side for side in COLOURS if any(side in sides for sides in lines.values())):
        x, y = GAP + 180 * number, TOP + HEIGHT + 42
        yield f'<rect x="{x}" y="{y - 9}" width="14" height="10" fill="{COLOURS[side]}"/>' + text(x + 20, y, LABELS.get(side, side), "start")
    yield "</svg>"


def write_all(rows, directory):
    """The names of the files that were made."""
    os.makedirs(directory, exist_ok=True)
    names = []
    for filesystem in dict.fromkeys(row.filesystem for row in rows):
        for varying, counted in ((1, "extents"), (2, "revisions")):
            if not (lines := lines_of(rows, filesystem, varying)):
                continue
            names.append(f"latency-{filesystem}-{counted}.svg")
            with open(os.path.join(directory, names[-1]), "w", encoding="utf-8") as file:
                file.write("\n".join(svg(lines, f"{filesystem}: median latency against the number of {counted}")) + "\n")
    return names
