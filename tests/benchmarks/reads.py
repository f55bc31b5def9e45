# SPDX-License-Identifier: LGPL-2.1-or-later
"""The data path: fio on one image from all sides."""
import json
import subprocess
import tempfile
from typing import NamedTuple

import sides
import stage


class Job(NamedTuple):
    name: str
    sequential: bool
    direct: bool
    depth: int
    cold: bool

    def options(self, megabytes, milliseconds):
        yield from ("rw=read", "bs=1M") if self.sequential else ("rw=randread", "bs=4k", "randrepeat=1")
        yield from ("ioengine=psync",) if self.depth == 1 else ("ioengine=io_uring", f"iodepth={self.depth}")
        yield f"direct={int(self.direct)}"
        if self.cold:  # once over it
            yield f"io_size={megabytes if self.sequential else megabytes // 16}M"
        else:
            yield from ("time_based=1", f"runtime={milliseconds}ms", "ramp_time=50ms")


def jobs():
    """Those that need the pages cached follow one that reads them all."""
    for depth in (1, 32):
        sequential, random = f"sequential 1 MiB, depth {depth}", f"random 4 KiB, depth {depth}"
        yield Job(f"{sequential}, not cached", True, False, depth, True)
        yield Job(f"{sequential}, cached", True, False, depth, False)
        yield Job(f"{random}, cached", False, False, depth, False)
        yield Job(f"{random}, not cached", False, False, depth, True)
        yield Job(f"{sequential}, O_DIRECT", True, True, depth, False)
        yield Job(f"{random}, O_DIRECT", False, True, depth, False)


def fio(job, paths, megabytes, milliseconds):
    """MiB/s of each path, one after the other."""
    lines = ["[global]", "allow_file_create=0", "invalidate=0", f"size={megabytes}M", "thread=1", *job.options(megabytes, milliseconds)]
    for number, path in enumerate(paths):
        lines += [f"[{number}]", f"filename={path}", "stonewall"]
    with tempfile.NamedTemporaryFile("w", suffix=".fio") as file:
        file.write("\n".join(lines))
        file.flush()
        done = subprocess.run(["fio", "--readonly", "--output-format=json", file.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"fio failed at {job.name}: {(done.stderr or done.stdout)[-2000:]}")
    return [found["read"]["bw_bytes"] / (1 << 20) for found in json.loads(done.stdout[done.stdout.index("{"):])["jobs"]]


def measure(setting, filesystem, everything):
    megabytes = setting.of(64, 256)
    with stage.loop_filesystem(filesystem, setting.where) as disk:
        content = f"{disk}/content"
        stage.write_image(content, megabytes << 20)
        with sides.all_sides(setting, disk, content, others=everything) as found:
            for repetition in range(setting.repetitions):
                for job in jobs():
                    if not everything and job.depth > 1:
                        continue
                    order = setting.rotated(found, repetition)
                    if job.cold or job.direct:
                        for name in order:
                            stage.forget(found[name].path, found[name].backing)
                    speeds = fio(job, [found[name].path for name in order], megabytes, setting.of(100, 250))
                    for name, speed in zip(order, speeds):
                        setting.add("Reading", filesystem, job.name, name, speed, "MiB/s")


def run(setting):
    """Every side and depth on the first file system; on others Varve only, at depth 1."""
    for number, filesystem in enumerate(setting.filesystems):
        measure(setting, filesystem, everything=number == 0)
