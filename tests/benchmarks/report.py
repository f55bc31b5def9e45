# SPDX-License-Identifier: LGPL-2.1-or-later
"""Medians, ratios, and the Markdown that shows them."""
import re
import statistics
from collections import defaultdict

OPERATIONS = {
    "start-ready": ("start, prepared", "rename, fsync of the directory"),
    "start-cloning": ("start, not prepared", "FICLONE, fsync, rename, fsync of the directory"),
    "stop": ("stop with commit", "fdatasync, link, rename, fsync of the directory"),
    "revert": ("revert", "link, rename, fsync of the directory"),
    "clone": ("clone", "FICLONE"),
    "ctl-start": ("`ctl`: start, prepared", "rename, fsync of the directory"),
    "ctl-stop": ("`ctl`: stop with commit", "fdatasync, link, rename, fsync of the directory"),
    "commit-1MiB": ("open, overwrite 1 MiB in place, close", "FICLONE, write, fdatasync, link, rename, fsync of the directory"),
    "list-first": ("list, first time after mounting", "readdir, lstat of each"),
    "list": ("list, again", "readdir, lstat of each"),
    "stat": ("stat", "lstat"),
    "read": ("read", "read"),
}
DRIVER = ("start-ready", "start-cloning", "stop", "revert", "clone")
MOUNT = ("ctl-start", "ctl-stop", "commit-1MiB", "list-first", "list", "stat")
LISTS = ("list-first", "list")
FLAT = ("start-ready", "stop", "revert")


def numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


def medians(samples, middle=statistics.median):
    """{(filesystem, operation, detail): {side: median}}; with another `middle`, that instead."""
    values = defaultdict(lambda: defaultdict(list))
    for filesystem, operation, detail, side, value in samples:
        values[filesystem, operation, detail][side].append(value)
    for key, sides in values.items():
        if set(sides) != {"bare", "varve"}:
            raise RuntimeError(f"{key} was measured on one side only")
    return {key: {side: middle(found) for side, found in sides.items()} for key, sides in values.items()}


def fastest(samples):
    """The same of the fastest samples: what other load on the machine disturbs least."""
    return {**medians([sample for sample in samples if sample[1] == "read"], max),
            **medians([sample for sample in samples if sample[1] != "read"], min)}


def rows(found, operations):
    """In the order of `operations`, then of the numbers in the detail."""
    keys = [key for key in found if key[1] in operations]
    keys.sort(key=lambda key: (operations.index(key[1]), numbers(key[2]), key[2]))
    return list(dict.fromkeys(key[1:] for key in keys))


def ratio(both):
    return both["varve"] / both["bare"]


def table(found, best, operations, filesystems, unit):
    yield "| | beside | " + " | ".join(f"{name}: bare | Varve | ratio" for name in filesystems) + " |"
    yield "|---|---|" + "--:|--:|--:|" * len(filesystems)
    for operation, detail in rows(found, operations):
        label, bare = OPERATIONS[operation]
        cells = [f"{label}{', ' + detail.replace(':', ' ') if detail else ''}", bare]
        for filesystem in filesystems:
            both = found.get((filesystem, operation, detail))
            cells += [f"{both['bare']:.4g} {unit}", f"{both['varve']:.4g} {unit}", f"**{ratio(both):.2f}** ({ratio(best[filesystem, operation, detail]):.2f})"] if both else ["", "", ""]
        yield "| " + " | ".join(cells) + " |"


def spread(found, filesystem, operation, side, varying):
    """Largest median over smallest, while one of (extents, revisions) varies and the other is 1; nothing when there is one only."""
    fixed = 1 - varying
    values = [both[side] for (where, what, detail), both in found.items()
              if (where, what) == (filesystem, operation) and len(numbers(detail)) == 2 and numbers(detail)[fixed] == 1]
    return max(values) / min(values) if len(values) > 1 else None


def flatness(found, best, filesystems):
    yield "| | " + " | ".join(f"{name}: extents, bare | Varve | revisions, bare | Varve" for name in filesystems) + " |"
    yield "|---|" + "--:|--:|--:|--:|" * len(filesystems)
    for operation in FLAT:
        cells = [OPERATIONS[operation][0]]
        for filesystem in filesystems:
            for varying in (0, 1):
                for side in ("bare", "varve"):
                    largest = [spread(of, filesystem, operation, side, varying) for of in (found, best)]
                    cells.append("" if None in largest else "{:.2f} ({:.2f})".format(*largest))
        yield "| " + " | ".join(cells) + " |"


def per_entry(found, filesystems):
    yield "| | " + " | ".join(f"{name}: bare | Varve" for name in filesystems) + " |"
    yield "|---|" + "--:|--:|" * len(filesystems)
    for operation, detail in rows(found, LISTS):
        cells = [f"{OPERATIONS[operation][0]}, {detail}"]
        for filesystem in filesystems:
            both = found.get((filesystem, operation, detail))
            cells += [f"{both[side] / numbers(detail)[0]:.2f} µs" if both else "" for side in ("bare", "varve")]
        yield "| " + " | ".join(cells) + " |"


def markdown(result, samples):
    found, best = medians(samples), fastest(samples)
    filesystems = result["filesystems"]
    machine = result["machine"]
    yield f"`{result['command']}`, {result['date']}"
    yield ""
    yield (f"{machine['cores']} cores, {machine['memory_gib']} GiB of memory, {machine['kernel']}; {', '.join(filesystems)} on loop devices in memory; load average "
           f"{result['load'][0]:.1f} before and {result['load'][1]:.1f} after (about 1 to 2 is the run itself). Medians of {result['repetitions']} "
           f"(operations that change something: {result['change_repetitions']}); in "
           f"parentheses the ratio of the fastest of each, which other load disturbs least. {result['seconds']:.0f} s.")
    sections = [
        ("The driver: times, and how many times the bare system calls' (below 1 is faster)", DRIVER, table(found, best, DRIVER, filesystems, "µs")),
        ("Flatness: largest median over smallest, over extents and over revisions (1 is flat)", FLAT, flatness(found, best, filesystems)),
        ("The mount: times, and how many times the bare system calls' (below 1 is faster)", MOUNT, table(found, best, MOUNT, filesystems, "µs")),
        ("Lists: time for each entry", LISTS, per_entry(found, filesystems)),
        ("Reading: speed, and which part of the native file's (above 1 is faster)", ("read",), table(found, best, ("read",), filesystems, "MiB/s")),
    ]
    for title, operations, lines in sections:
        if rows(found, operations):
            yield from ("", f"### {title}", "", *lines)
    if result["resident_kib"]:
        resident = ", ".join(f"{kib / 1024:.1f} MiB ({name})" for name, kib in result["resident_kib"].items())
        yield from ("", f"Memory of varvefs with 2,200 volumes and revisions listed: {resident}.")


def summary(samples):
    best = fastest(samples)
    return [{"filesystem": key[0], "operation": key[1], "detail": key[2], **both, "ratio": ratio(both), "fastest_ratio": ratio(best[key])}
            for key, both in medians(samples).items()]
