# SPDX-License-Identifier: LGPL-2.1-or-later
"""The first file system of a guest: busybox, the few modules that reach the host's root, and the job."""
import io
import os

MODULES = ("virtio_pci", "virtio_console", "virtiofs", "overlay")  # the rest comes from the host's root
HERE = os.path.dirname(os.path.abspath(__file__))


def write(file, kernel, job):
    """`job` is the text of the guest's /job, a shell file that `guest-init` and `guest-main` read."""
    modules = kernel.module_files(MODULES)
    archive = io.BytesIO()
    number = 0

    def add(name, mode, content=b""):
        nonlocal number
        number += 1
        # The "new ASCII" format of cpio, as the kernel's Documentation/driver-api/early-userspace/buffer-format.rst has it.
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        archive.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0")
        archive.write(bytes(-archive.tell() % 4) + content)
        archive.write(bytes(-archive.tell() % 4))

    for folder in ("bin", "dev", "proc", "sys", "host", "writes", "new", "modules"):
        add(folder, 0o40755)
    add("bin/busybox", 0o100755, _read(kernel.busybox))
    for path in modules:
        add(f"modules/{os.path.basename(path)}", 0o100644, _read(path))
    add("modules/order", 0o100644, "".join(f"{os.path.basename(path)}\n" for path in modules).encode())
    add("init", 0o100755, _read(f"{HERE}/guest-init"))
    add("main", 0o100755, _read(f"{HERE}/guest-main"))
    add("job", 0o100644, job.encode())
    add("TRAILER!!!", 0)
    file.write(archive.getvalue())
    file.flush()


def _read(path):
    with open(path, "rb") as file:
        return file.read()
