# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Markdown report: one table for each topic."""
SIDES = ("native", "varve", "ctl", "fallback", "bindfs", "qemu-storage-daemon", "cp --reflink script", "Btrfs subvolume script", "`virsh resume`")
TITLES = {"varve": "Varve", "ctl": "Varve, mount", "fallback": "Varve, no passthrough", "cp --reflink script": "`cp --reflink` script"}
NOTES = {
    "Reading": "Speed, and its ratio to the file itself (above 1 is faster). Not cached: in no page cache; the device is memory still.",
    "Writing": "Speed, and its ratio to write and fsync of the file itself.",
    "Life cycle": "Times, and their ratio to the bare system calls with the same effect and durability (below 1 is faster). Varve: the driver alone; "
                  "Varve, mount: `ctl`, `ln` or copy_file_range through the mount. Scripts pay for their processes. Native: start is rename and fsync of the directory "
                  "(not prepared: FICLONE and fsync before it); stop is fdatasync, link, rename, fsync of the directory; revert the same without fdatasync; a snapshot is "
                  "FICLONE, fsync, fsync of the directory; a clone is FICLONE.",
    "Flatness": "Largest median over smallest (1 is flat).",
    "Starting a VM": "Times, and their ratio to the same without Varve's orchestrator: the volumes' start (a write to `ctl`), then `virsh create` of the same XML. The time "
                     "until the domain runs; no guest's readiness is waited for. Programs and their connections are part of it.",
    "Disposables": "Times, and their ratio to a new disposable (native), with emulated guests, which boot slowly. Varve: some are kept ready. `virsh resume`: of a guest as ready as "
                   "those.",
    "Listing VMs": "Times, and their ratio to `virsh list --all` of as many defined domains: `varve --json vm ls`.",
    "Listing": "Times, and their ratio to the directory below. First time: just mounted, nothing cached.",
    "Command line": "Times, and their ratio to that of the tool beside it, in the same run.",
}


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def times(ratio):
    return f"{ratio:.2f}" if ratio >= 0.01 else f"{ratio:.1g}"


def cell(row, side):
    if side not in row.medians:
        return ""
    text = f"{number(row.medians[side])} {row.unit}"
    if (ratio := row.ratio(side)) is None or row.topic == "Flatness":
        return text
    return f"{text}, **{times(ratio)}** ({times(row.ratio(side, 'best'))})"


def table(rows):
    sides = [side for side in SIDES if any(side in row.medians for row in rows)]
    with_targets = any(True for row in rows for _ in row.verdicts())
    titles = ["", "on", *(TITLES.get(side, side) for side in sides), *(("target", "holds") if with_targets else ())]
    yield "| " + " | ".join(titles) + " |"
    yield "|---|---|" + "--:|" * len(sides) + ("---|---|" if with_targets else "")
    for row in rows:
        cells = [row.what, row.filesystem, *(cell(row, side) for side in sides)]
        if with_targets:
            verdicts = list(row.verdicts())
            several = len({target.side for target, _ in verdicts}) > 1
            cells.append("; ".join((f"{TITLES[target.side]}: " if several else "") + target.text(row.more_is_better) for target, _ in verdicts))
            cells.append("; ".join("yes" if holds else "**no**" for _, holds in verdicts))
        yield "| " + " | ".join(cells) + " |"


def missed(rows):
    for row in rows:
        for target, holds in row.verdicts():
            if not holds:
                value = row.medians[target.side] if target.absolute else row.ratio(target.side)
                yield f"{row.topic}, {row.filesystem}: {row.what}; {TITLES[target.side]}: {value:.2f}, target {target.text(row.more_is_better)}"


def markdown(result, rows, plots):
    machine = result["machine"]
    yield f"`{result['command']}`, {result['date']}"
    yield ""
    yield (f"{machine['cores']} cores, {machine['memory_gib']} GiB of memory, {machine['kernel']}; file systems on loop devices in memory; load average "
           f"{result['load'][0]:.1f} before and {result['load'][1]:.1f} after (about 1 to 2 is the run itself). Medians of {result['repetitions']} "
           f"(life cycle up to 1,000 extents, without scripts: {result['change_repetitions']}); in parentheses the ratio of the best of each, which other load disturbs least. "
           f"{result['seconds']:.0f} s.")
    for line in result["skipped"]:
        yield f"\nLeft out: {line}."
    for topic in dict.fromkeys(row.topic for row in rows):
        yield from ("", f"## {topic}", "")
        if topic in NOTES:
            yield from (NOTES[topic], "")
        yield from table([row for row in rows if row.topic == topic])
    if plots:
        yield from ("", "## Latency against the number of extents and revisions", "", *(f"![{name}]({name})\n" for name in plots))
    lines = list(missed(rows))
    yield from ("", "## Targets that were missed", "", *(f"- {line}" for line in lines)) if lines else ("", "All targets hold.")
