# SPDX-License-Identifier: LGPL-2.1-or-later
"""Archives that the kernel unpacks as a guest's first file system."""
import io


class Archive:
    """The "new ASCII" format of cpio, as the kernel's Documentation/driver-api/early-userspace/buffer-format.rst has it."""

    def __init__(self):
        self._bytes = io.BytesIO()
        self._number = 0

    def folder(self, name):
        self._add(name, 0o40755, b"")

    def program(self, name, content):
        self._add(name, 0o100755, content)

    def file(self, name, content):
        self._add(name, 0o100644, content)

    def finish(self):
        self._add("TRAILER!!!", 0, b"")
        return self._bytes.getvalue()

    def _add(self, name, mode, content):
        self._number += 1
        fields = (self._number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        self._bytes.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0")
        self._bytes.write(bytes(-self._bytes.tell() % 4) + content)
        self._bytes.write(bytes(-self._bytes.tell() % 4))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def add_modules(archive, files):
    """Into modules/, with their order in modules/order."""
    archive.folder("modules")
    names = [path.rsplit("/", 1)[1] for path in files]
    for path, name in zip(files, names):
        archive.file(f"modules/{name}", read(path))
    archive.file("modules/order", "".join(f"{name}\n" for name in names).encode())
