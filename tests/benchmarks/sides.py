# SPDX-License-Identifier: LGPL-2.1-or-later
"""One image on one file system, seen from all sides: as a file, through Varve with and without passthrough, bindfs and qemu-storage-daemon."""
import contextlib
import os
import tempfile
from typing import NamedTuple

import servers
import stage


class Side(NamedTuple):
    path: str     # of the image
    backing: str  # the same below, for its cached pages
    above: str    # the directory that a new image of this side goes to; "" when there is none
    server: object


@contextlib.contextmanager
def all_sides(setting, disk, content, others=True):
    """{name: Side}; each has a clone of `content` of its own, so that none finds another's pages cached."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="varve-benchmark-"))
        found = {}

        def add(name, server, path, backing, above):
            if server is None:
                setting.skip(name, "it is not installed")
                return
            stack.enter_context(server)
            found[name] = Side(path, backing, above, server)

        def vm(name):
            made = os.path.join(disk, name, "appvms", "read")
            stage.make_volume(made, content)
            return made

        native = vm("native")
        found["native"] = Side(os.path.join(native, "root.img"), os.path.join(native, "root.img"), native, None)
        for name, passthrough in (("varve", True), ("fallback", False)):
            backing = vm(name)
            server = servers.Varve(setting.varvefs, os.path.join(directory, name), os.path.join(disk, name), passthrough)
            above = os.path.join(server.pool, "read")
            add(name, server, os.path.join(above, "root.img"), os.path.join(backing, "root.img"), above)
        if others:
            backing = vm("bindfs")
            above = os.path.join(directory, "bindfs")
            add("bindfs", servers.bindfs(directory, backing), os.path.join(above, "root.img"), os.path.join(backing, "root.img"), above)
            backing = os.path.join(vm("qemu"), "root.img")
            add("qemu-storage-daemon", servers.qemu(directory, backing), os.path.join(directory, "qemu.img"), backing, "")
        os.sync()
        said = found["varve"].server.passthrough()
        if said != "passthrough on":
            setting.skip("passthrough", f"varvefs says: {said}")
        yield found
