#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rejects includes that docs/layers.md forbids, include cycles, and sources without their licence line.

Usage: check_layering.py REPOSITORY. Prints one line for each fault, `file:line: what`; exit status 1 when there is one.
"""
import os
import re
import sys

BASE, API, KERNEL, RECORDS, SETTINGS = "drivers/base", "drivers/api", "drivers/kernel", "drivers/records", "drivers/settings"
IMAGES = "drivers/images"
REGISTRY_HEADER = "drivers/registry.h"
DRIVERS = ("drivers/file", "drivers/file_reflink", "drivers/lvm_thin", "drivers/linux_kernel", "drivers/callback", "drivers/ephemeral", "drivers/plugin", "drivers/sim")
DRIVER_USES = (BASE, API, KERNEL, RECORDS)
OUTSIDERS_USE = (BASE, "fs/protocol")
ORCHESTRATOR_USES = (*OUTSIDERS_USE, SETTINGS)

VM_USES = ("orchestrator/mount_client", "orchestrator/definitions", "orchestrator/domain_xml", "orchestrator/hypervisor")
PRELOADING_USES = ("orchestrator/vm", "orchestrator/disposables", "orchestrator/preload")
SERVICE_USES = ("orchestrator/preloading", "orchestrator/vm", "orchestrator/config", "orchestrator/rpc", "orchestrator/rpc_client", "orchestrator/disposables", "orchestrator/preload")

# Layer -> the layers (or single files) it may include besides itself. A layer is a folder with all below it, or one file.
MAY_INCLUDE = {
    BASE: (),
    API: (BASE,),
    KERNEL: (BASE,),
    SETTINGS: (BASE,),
    RECORDS: (BASE, API, KERNEL),
    IMAGES: DRIVER_USES,
    **{driver: DRIVER_USES for driver in DRIVERS},
    **{driver: (*DRIVER_USES, IMAGES) for driver in ("drivers/file", "drivers/file_reflink")},
    REGISTRY_HEADER: (BASE, API, KERNEL),
    "drivers/registry": (REGISTRY_HEADER, *DRIVER_USES, *DRIVERS),
    "fs/protocol": (BASE,),
    "fs/paths": (BASE, API, "fs/protocol"),
    "fs/config": (BASE, API, SETTINGS, REGISTRY_HEADER),
    "fs/engine": (BASE, API, KERNEL, "fs/protocol", "fs/paths"),
    "fs/activity": (BASE, API, "fs/protocol", "fs/engine"),
    "fs/board": (BASE, API, "fs/protocol", "fs/engine", "fs/activity"),
    "fs/control": (BASE, API, KERNEL, "fs/protocol", "fs/paths", "fs/engine", "fs/activity"),
    "fs/fuse": (BASE, API, KERNEL, "fs/protocol", "fs/paths", "fs/engine", "fs/activity", "fs/control"),
    "fs/daemon": (BASE, API, KERNEL, SETTINGS, REGISTRY_HEADER, "fs/protocol", "fs/paths", "fs/config", "fs/engine", "fs/activity", "fs/control"),
    "fs/main.cpp": (BASE, API, KERNEL, SETTINGS, REGISTRY_HEADER, "fs/protocol", "fs/paths", "fs/config", "fs/engine", "fs/activity", "fs/board", "fs/control", "fs/fuse", "fs/daemon"),
    "orchestrator/mount_client": OUTSIDERS_USE,
    "orchestrator/image_formats": (BASE, "orchestrator/mount_client"),
    "orchestrator/board_reader": OUTSIDERS_USE,
    "orchestrator/qubes_xml": (*OUTSIDERS_USE, SETTINGS),
    "orchestrator/adoption": (*OUTSIDERS_USE, "orchestrator/mount_client", "orchestrator/qubes_xml"),
    "orchestrator/definitions": (BASE, SETTINGS),
    "orchestrator/domain_adoption": (BASE, "orchestrator/mount_client", "orchestrator/image_formats", "orchestrator/definitions"),
    "orchestrator/domain_xml": (BASE, "orchestrator/definitions"),
    "orchestrator/hypervisor": (BASE, "orchestrator/definitions", "orchestrator/domain_xml"),
    "orchestrator/xenstore": (BASE,),
    "orchestrator/vm": (*VM_USES, "orchestrator/xenstore", *OUTSIDERS_USE),
    "orchestrator/config": (BASE, SETTINGS, "orchestrator/definitions"),
    "orchestrator/rpc": (BASE, "orchestrator/definitions", "orchestrator/config"),
    "orchestrator/rpc_client": (BASE, "orchestrator/mount_client"),
    "orchestrator/disposables": (BASE, SETTINGS, "orchestrator/definitions"),
    "orchestrator/preload": (BASE, "orchestrator/definitions"),
    "orchestrator/preloading": (*PRELOADING_USES, *VM_USES, *ORCHESTRATOR_USES),
    "orchestrator/service": (*SERVICE_USES, *VM_USES, *ORCHESTRATOR_USES),
    "orchestrator": ("orchestrator/service", "orchestrator/image_formats", "orchestrator/board_reader", "orchestrator/adoption", "orchestrator/domain_adoption", "orchestrator/qubes_xml", "orchestrator/xenstore", *SERVICE_USES, *VM_USES, *ORCHESTRATOR_USES),
    "mount-helpers": OUTSIDERS_USE,
}
PRODUCT = ("drivers", "fs", "orchestrator", "mount-helpers")

# Headers of other projects that only some layers may see.
CONFINED = (
    (re.compile(r"^fuse"), ("fs/fuse",)),
    (re.compile(r"^libvirt/"), ("orchestrator/hypervisor",)),
    (re.compile(r"^xenstore"), ("orchestrator/xenstore", "mount-helpers")),
    (re.compile(r"^libdevmapper"), (KERNEL,)),
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LICENCE = "SPDX-License-Identifier: LGPL-2.1-or-later"
SOURCE_SUFFIXES = (".h", ".cpp", ".cmake", ".py", ".sh")
LICENSED_FOLDERS = (*PRODUCT, "tests", "contrib", "cmake", ".ci")


def is_inside(path, layer):
    return path == layer or path.startswith(layer + "/")


def layer_of(path):
    """The longest layer that holds the path; `drivers/registry.cpp` belongs to drivers/registry."""
    if path == "drivers/registry.cpp":
        return "drivers/registry"
    return max((layer for layer in MAY_INCLUDE if is_inside(path, layer)), key=len, default=None)


def files_below(root, folders):
    for folder in folders:
        for where, subfolders, names in os.walk(os.path.join(root, folder)):
            subfolders[:] = sorted(name for name in subfolders if name not in ("__pycache__", "corpus"))
            for name in sorted(names):
                yield os.path.relpath(os.path.join(where, name), root)


def read_lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def includes(root, path):
    for number, line in enumerate(read_lines(root, path), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1) == '"', found.group(2)


def check_own_include(root, path, target):
    if not os.path.isfile(os.path.join(root, target)):
        return f'"{target}" is not a file of the repository (includes are written from its root)'
    if not is_inside(path, "tests"):
        layer, other = layer_of(path), layer_of(target)
        if layer is None:
            return "the file belongs to no layer that docs/layers.md knows"
        if other != layer and other not in MAY_INCLUDE[layer]:
            return f'{layer} must not include {other or "a file of no layer"} ("{target}")'
    return None


def check_foreign_include(path, target):
    if target.split("/")[0] in PRODUCT and "/" in target:
        return f"<{target}> is ours: write it in quotes"
    for pattern, layers in CONFINED:
        if pattern.match(target) and not any(is_inside(path, layer) for layer in (*layers, "tests")):
            return f"<{target}> may be included only in {', '.join(layers)}"
    return None


def check_includes(root):
    for path in files_below(root, (*PRODUCT, "tests")):
        if not path.endswith((".h", ".cpp")):
            continue
        for number, ours, target in includes(root, path):
            fault = check_own_include(root, path, target) if ours else check_foreign_include(path, target)
            if fault:
                yield f"{path}:{number}: {fault}"


def check_cycles(graph, what):
    """Depth first over name -> names; reports each cycle once, where it closes."""
    done = set()

    def visit(node, trail):
        if node in trail:
            yield f"{node}: {what} in a circle: " + " -> ".join((*trail[trail.index(node):], node))
        elif node not in done:
            for other in graph.get(node, ()):
                yield from visit(other, (*trail, node))
            done.add(node)

    for node in sorted(graph):
        yield from visit(node, ())


def include_graph(root):
    return {path: [target for _, ours, target in includes(root, path) if ours]
            for path in files_below(root, (*PRODUCT, "tests")) if path.endswith((".h", ".cpp"))}


def check_licence(root):
    top = [name for name in os.listdir(root) if name in ("CMakeLists.txt", ".clang-format", ".clang-tidy")]
    for path in (*sorted(top), *files_below(root, LICENSED_FOLDERS)):
        lines = read_lines(root, path)[:2]
        script = bool(lines) and lines[0].startswith("#!")
        if not (script or path in top or path.endswith(SOURCE_SUFFIXES) or path.endswith("CMakeLists.txt")):
            continue
        if LICENCE not in "".join(lines[1:2] if script else lines[:1]):
            yield f"{path}:1: the first line (the second of a script) must say {LICENCE}"


def faults(root):
    yield from check_cycles(MAY_INCLUDE, "the layers include each other")
    yield from check_includes(root)
    yield from check_cycles(include_graph(root), "the files include each other")
    yield from check_licence(root)


def main():
    if len(sys.argv) != 2 or not os.path.isdir(os.path.join(sys.argv[1], "drivers")):
        sys.exit(f"usage: {sys.argv[0]} REPOSITORY")
    found = list(faults(sys.argv[1]))
    for fault in found:
        print(fault)
    checked = len(include_graph(sys.argv[1]))
    print(f"{checked} source files checked, {len(found)} faults")
    sys.exit(1 if found or checked == 0 else 0)


if __name__ == "__main__":
    main()
