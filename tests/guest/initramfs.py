# SPDX-License-Identifier: LGPL-2.1-or-later
"""The first file system of a guest: busybox, the few modules that reach the host's root, and the job."""
import os

import cpio

MODULES = ("virtio_pci", "virtio_console", "virtiofs", "overlay")  # the rest comes from the host's root
HERE = os.path.dirname(os.path.abspath(__file__))


def write(file, kernel, job):
    """`job` is the text of the guest's /job, a shell file that `guest-init` and `guest-main` read."""
    archive = cpio.Archive()
    for folder in ("bin", "dev", "proc", "sys", "host", "writes", "new"):
        archive.folder(folder)
    archive.program("bin/busybox", cpio.read(kernel.busybox))
    cpio.add_modules(archive, kernel.module_files(MODULES))
    archive.program("init", cpio.read(f"{HERE}/guest-init"))
    archive.program("main", cpio.read(f"{HERE}/guest-main"))
    archive.file("job", job.encode())
    file.write(archive.finish())
    file.flush()
