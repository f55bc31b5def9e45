# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writing a whole image as a scratch file that is renamed, and changing one in place."""
import os
import time

import sides
import stage


def write_all(path, flags, megabytes, *, sync):
    data = memoryview(b"w" * stage.MIB)
    file = os.open(path, flags, 0o600)
    try:
        for number in range(megabytes):
            if os.pwrite(file, data, number * stage.MIB) != stage.MIB:
                raise OSError(f"the write to {path} was cut short")
        if sync:
            os.fsync(file)
    finally:
        os.close(file)


def timed(work, *arguments, **named):
    begin = time.monotonic()
    work(*arguments, **named)
    return time.monotonic() - begin


def whole_image(side, megabytes):
    """As `varve import` does; where nothing is renamed, the write and fsync alone."""
    scratch = os.path.join(side.above, ".scratch")
    write_all(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, megabytes, sync=True)
    if side.server is not None:
        os.rename(scratch, side.path)


def in_place(name, side, megabytes):
    """Varve's close commits, and is as durable; the others must ask."""
    write_all(side.path, os.O_WRONLY, megabytes, sync=name not in ("varve", "fallback"))


def remove_leftovers(side):
    if side.server is None and os.path.exists(scratch := os.path.join(side.above, ".scratch")):
        os.unlink(scratch)
    if not side.above:
        return
    for name in os.listdir(side.above):
        if name.startswith("root.img@"):
            os.unlink(os.path.join(side.above, name))


def run(setting):
    megabytes = setting.of(32, 256)
    works = {f"whole image, {megabytes} MiB: write, fsync, rename": lambda name, side: whole_image(side, megabytes),
             f"in place, {megabytes} MiB: write, close": lambda name, side: in_place(name, side, megabytes)}
    for filesystem in setting.filesystems:
        with stage.loop_filesystem(filesystem, setting.where) as disk:
            stage.write_image(f"{disk}/content", megabytes << 20)
            with sides.all_sides(setting, disk, f"{disk}/content") as found:
                for repetition in range(setting.repetitions):
                    for what, work in works.items():
                        for name in setting.rotated(found, repetition):
                            if what.startswith("whole") and not found[name].above:
                                continue
                            stage.rest(disk)
                            setting.add("Writing", filesystem, what, name, megabytes / timed(work, name, found[name]), "MiB/s")
                            remove_leftovers(found[name])
