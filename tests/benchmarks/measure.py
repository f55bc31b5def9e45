# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the programs and fio. A sample is (operation, detail, side, value); times are in microseconds, reading in MiB/s."""
import json
import os
import subprocess
import tempfile


def google_benchmark(program, arguments, *, repetitions, only):
    """Benchmarks whose name the regular expression `only` matches, all in random order; each repetition is a sample."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [program, f"--benchmark_filter={only}", f"--benchmark_repetitions={repetitions}", "--benchmark_enable_random_interleaving=true",
                   f"--benchmark_out={out.name}", "--benchmark_out_format=json", *arguments]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{os.path.basename(program)} failed: {done.stderr[-2000:]}")
        with open(out.name, encoding="utf-8") as file:
            benchmarks = json.load(file)["benchmarks"]
    for benchmark in benchmarks:
        if benchmark["run_type"] != "iteration":
            continue
        name = benchmark["run_name"].split("/")
        if benchmark.get("error_occurred"):
            raise RuntimeError(f"{'/'.join(name)}: {benchmark['error_message']}")
        details = [part for part in name[2:] if part.split(":")[0] not in ("iterations", "manual_time", "min_time", "repeats")]
        yield name[0], " ".join(details), name[1], benchmark["real_time"]


FIO_JOBS = {"sequential 1 MiB": ["--rw=read", "--bs=1M"], "random 4 KiB": ["--rw=randread", "--bs=4k"]}


def forget(path):
    """Drops the file's pages, so that the next reader waits for the device."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)


def fio(path, job, megabytes):
    command = ["fio", "--name=read", f"--filename={path}", "--readonly", "--ioengine=psync", f"--size={megabytes}M", "--invalidate=0",
               "--randrepeat=1", "--output-format=json", *FIO_JOBS[job]]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"fio failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]["read"]["bw_bytes"] / (1 << 20)


def reads(mounted, backing, megabytes, repetitions):
    """Each file read when no cache holds it, and then again: the device's speed, and the cache's."""
    for _ in range(repetitions):
        for job in FIO_JOBS:
            size = megabytes if job.startswith("sequential") else megabytes // 4
            for side, path in (("bare", backing), ("varve", mounted)):
                forget(mounted)
                forget(backing)
                yield "read", f"{job}, not cached", side, fio(path, job, size)
                yield "read", f"{job}, again", side, fio(path, job, size)
