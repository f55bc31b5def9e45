# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs this suite's programs, which use Google Benchmark."""
import json
import os
import subprocess
import tempfile
from typing import NamedTuple


class Result(NamedTuple):
    operation: str
    side: str
    detail: str
    microseconds: float


def benchmarks(program, arguments, *, repetitions, only):
    """Those whose name the regular expression `only` matches, all in random order; each repetition is a result."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [program, f"--benchmark_filter={only}", f"--benchmark_repetitions={repetitions}", "--benchmark_enable_random_interleaving=true",
                   f"--benchmark_out={out.name}", "--benchmark_out_format=json", *arguments]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=600, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{os.path.basename(program)} failed: {done.stderr[-2000:]}")
        with open(out.name, encoding="utf-8") as file:
            found = json.load(file)["benchmarks"]
    for benchmark in found:
        if benchmark["run_type"] != "iteration":
            continue
        name = benchmark["run_name"].split("/")
        if benchmark.get("error_occurred"):
            raise RuntimeError(f"{'/'.join(name)}: {benchmark['error_message']}")
        detail = [part.replace(":", " ") for part in name[2:] if part.split(":")[0] not in ("iterations", "manual_time", "min_time", "repeats")]
        yield Result(name[0], name[1], ", ".join(detail), benchmark["real_time"])
