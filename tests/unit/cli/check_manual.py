# SPDX-License-Identifier: LGPL-2.1-or-later
"""varve(1) says of each subcommand that it describes what it prints with --json, and of no other.

Usage: check_manual.py docs/man/varve.1.md
"""
import pathlib
import re
import sys


def section(text, name):
    found = re.search(rf"^# {name}\n(.*?)(?=^# |\Z)", text, re.DOTALL | re.MULTILINE)
    if not found:
        sys.exit(f"check_manual.py: there is no section {name}")
    return found.group(1)


def described(text):
    """`## varve pool add *NAME*` is "pool add"; a heading may have several."""
    names = set()
    for heading in re.findall(r"^## (varve .*)$", section(text, "SUBCOMMANDS"), re.MULTILINE):
        for each in re.split(r", (?=varve )", heading):
            names.add(re.match(r"varve ([a-z]+(?:[ -][a-z]+)*)", each).group(1))
    return names


def told(text):
    """The subcommands before each `:` of the list; `**prune --dry-run**` is another form of one."""
    names = set()
    for line in re.findall(r"^(\*\*.*)\n:", section(text, "JSON"), re.MULTILINE):
        names |= {name.split(" --")[0] for name in re.findall(r"\*\*(.*?)\*\*", line)}
    return names


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    names, entries = described(text), told(text)
    if len(names) < 20:
        sys.exit(f"check_manual.py: the subcommands were read as {names}")
    faults = [f"varve(1) does not say what 'varve --json {name}' prints" for name in sorted(names - entries)]
    faults += [f"varve(1) says what 'varve --json {name}' prints, but not what it does" for name in sorted(entries - names)]
    print("\n".join(faults) or f"{len(names)} subcommands")
    sys.exit(1 if faults else 0)


main()
