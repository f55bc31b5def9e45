#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""contrib/varve.toml.example shows every key that varvefs and its drivers know, and no other; and varve.toml(5) and the drivers' pages name them.

Usage: check_example.py SOURCE-DIRECTORY
"""
import pathlib
import re
import sys
import tomllib


def array(text, name):
    """The words of a constant array, of which some are constants themselves."""
    found = re.search(r"array<std::string_view, (\d+)> " + name + r"\{(.*?)\}", text, re.DOTALL)
    if not found:
        sys.exit(f"check_example.py: there is no array {name}; has it moved?")
    words = []
    for word in re.split(r",\s*", found.group(2)):
        constant = None if word.startswith('"') else re.search(rf'string_view {word} = ("[^"]*")', text)
        words.append((constant.group(1) if constant else word).strip('"'))
    if len(words) != int(found.group(1)):
        sys.exit(f"check_example.py: {name} was read as {words}")
    return set(words)


def known_to(source):
    keys = (source / "fs/config/pool_table.h").read_text(encoding="utf-8")
    drivers = (source / "drivers/registry.cpp").read_text(encoding="utf-8")
    parameters = set(re.findall(r'\bparameters\.\w+\("(\w+)"', drivers))
    if len(parameters) < 5:
        sys.exit(f"check_example.py: the drivers' parameters were read as {parameters}")
    return array(keys, "top_level_keys") - {"pool"}, array(keys, "pool_keys") | parameters, parameters


def shown_by(example):
    """The keys of the whole file and those of pools, also where they are only a comment."""
    text = re.sub(r"^#(?=[a-z_]+ = |\[\[)", "", example.read_text(encoding="utf-8"), flags=re.MULTILINE)
    document = tomllib.loads(text)
    pools = document.pop("pool")
    return set(document), {key for pool in pools for key in pool}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    top, pool, parameters = known_to(source)
    shown_top, shown_pool = shown_by(source / "contrib/varve.toml.example")
    faults = []
    for what, known, shown in (("of the file", top, shown_top), ("of a pool", pool, shown_pool)):
        faults += [f"contrib/varve.toml.example does not show the key {what} '{key}'" for key in sorted(known - shown)]
        faults += [f"contrib/varve.toml.example shows a key {what} that nothing reads: '{key}'" for key in sorted(shown - known)]
    manual = {page.name: page.read_text(encoding="utf-8") for page in (source / "docs/man").glob("*.md")}
    for key in sorted((top | pool) - parameters):
        if f"**{key}**" not in manual["varve.toml.5.md"]:
            faults.append(f"varve.toml(5) does not name '{key}'")
    of_drivers = "".join(text for name, text in manual.items() if re.fullmatch(r"varve-.*\.7\.md", name))
    faults += [f"no driver's manual page names '{key}'" for key in sorted(parameters) if f"**{key}**" not in of_drivers]
    print("\n".join(faults) or f"{len(top | pool)} keys are shown and described")
    sys.exit(1 if faults else 0)


main()
