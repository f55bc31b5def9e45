#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`.varve/metrics` of a mount with something to tell is Prometheus's text format (version 0.0.4), by a strict reader of its own or, with --promtool, by Prometheus's.

Usage: check_metrics.py [--promtool] VARVEFS (as root). `check_metrics.py --file FILE` reads a text alone.
"""
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

DEADLINE = 60  # seconds, for anything that is waited for
SKIPPED = 77  # the exit status that CTest is told of
FAMILY = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
TYPES = ("counter", "gauge", "histogram")


class Fault(Exception):
    pass


def labels_of(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        if not found or found.group(1) in labels or (found.group(3) == "," and found.end() == len(text)):
            raise Fault(f"labels {text!r}")
        labels[found.group(1)] = found.group(2)
        at = found.end()
    return labels


def value_of(text):
    if text not in ("+Inf", "-Inf", "NaN") and not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        raise Fault(f"value {text!r}")
    return float(text)


class Family:
    def __init__(self, name, kind):
        self.name, self.kind, self.samples = name, kind, {}

    def add(self, name, labels, value):
        endings = ("_bucket", "_sum", "_count") if self.kind == "histogram" else ("",)
        if name not in [self.name + ending for ending in endings]:
            raise Fault(f"sample {name} in the family {self.name}")
        key = (name, tuple(sorted(labels.items())))
        if key in self.samples:
            raise Fault(f"twice: {key}")
        if self.kind != "gauge" and not (value >= 0 and math.isfinite(value)):
            raise Fault(f"{key} is {value}")
        self.samples[key] = value

    def check(self):
        if self.kind == "counter" and not self.name.endswith("_total"):
            raise Fault(f"the counter {self.name} does not end in _total")
        if self.kind == "histogram":
            self.check_histogram()

    def check_histogram(self):
        buckets, counts, sums = {}, {}, set()
        for (name, labels), value in self.samples.items():
            labels = dict(labels)
            bound = labels.pop("le", None)
            key = tuple(sorted(labels.items()))
            if name.endswith("_bucket"):
                if bound is None:
                    raise Fault(f"a bucket of {self.name} without le")
                buckets.setdefault(key, []).append((value_of(bound), value))
            elif bound is not None:
                raise Fault(f"{name} with le")
            elif name.endswith("_count"):
                counts[key] = value
            else:
                sums.add(key)
        if set(buckets) != set(counts) or set(counts) != sums:
            raise Fault(f"{self.name} lacks buckets, sums or counts")
        for key, found in buckets.items():
            if found != sorted(found) or found[-1] != (math.inf, counts[key]):
                raise Fault(f"buckets of {self.name} {key}: {found}")
            values = [value for _, value in found]
            if values != sorted(values):
                raise Fault(f"{self.name} {key} is not cumulative")


def read(text):
    """name -> Family. Families are whole, and HELP and TYPE come first."""
    if not text.endswith("\n"):
        raise Fault("the last line does not end")
    families, helped, now = {}, None, None
    for line in text[:-1].split("\n"):
        described = FAMILY.fullmatch(line)
        if described:
            what, name, rest = described.groups()
            if what == "HELP":
                if name in families or helped:
                    raise Fault(f"HELP {name}")
                helped = name
            elif helped != name or rest not in TYPES:
                raise Fault(f"TYPE {name} {rest}")
            else:
                families[name] = now = Family(name, rest)
                helped = None
            continue
        sample = SAMPLE.fullmatch(line)
        if not sample or now is None or helped:
            raise Fault(f"line {line!r}")
        name, labels, value = sample.groups()
        now.add(name, labels_of(labels[1:-1]) if labels else {}, value_of(value))
    for family in families.values():
        family.check()
    return families


def wait_until(what, condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise Fault(f"waited in vain for {what}")
        time.sleep(0.05)


class Mounted(unittest.TestCase):
    varvefs = ""

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="varve-metrics-")
        self.mount = os.path.join(self.place, "varve")
        os.mkdir(self.mount)
        config = os.path.join(self.place, "varve.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'mountpoint = "{self.mount}"\nstate_dir = "{self.place}/state"\nruntime_dir = "{self.place}/run"\n'
                       '[[pool]]\nname = "a"\ndriver = "sim"\n[[pool]]\nname = "b-2.x_y"\ndriver = "sim"\n')
        with open(os.path.join(self.place, "log"), "w", encoding="utf-8") as log:
            self.daemon = subprocess.Popen([self.varvefs, "--foreground", "--config", config], stdout=log, stderr=log)
        wait_until("the mount", lambda: os.path.ismount(self.mount) or self.daemon.poll() is not None)

    def tearDown(self):
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(DEADLINE)
        shutil.rmtree(self.place)

    def text(self):
        with open(os.path.join(self.mount, ".varve/metrics"), encoding="utf-8") as file:
            return file.read()

    def use(self):
        """A revision, and an operation that fails."""
        vm = os.path.join(self.mount, "pools/a/work")
        os.mkdir(vm)
        for content in ("a", "b"):
            with open(os.path.join(vm, "root.img"), "w", encoding="utf-8") as file:
                file.write(content * 512)
        with self.assertRaises(OSError):
            os.rmdir(vm)


class ByTheReader(Mounted):
    def test_empty_and_used(self):
        self.assertIn("varve_build_info", read(self.text()))
        self.use()
        families = read(self.text())
        self.assertEqual(families["varve_revisions"].samples[("varve_revisions", (("pool", "a"),))], 1)
        self.assertGreaterEqual(len(families["varve_operation_seconds"].samples), 3)


class ByPromtool(Mounted):
    def check(self):
        said = subprocess.run(["promtool", "check", "metrics"], input=self.text(), capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual((said.returncode, said.stdout + said.stderr), (0, ""))

    def test_empty_and_used(self):
        self.check()
        self.use()
        self.check()


class TheReader(unittest.TestCase):
    GOOD = "# HELP a_total Help.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n"

    def test_takes_what_is_right(self):
        self.assertEqual(read(self.GOOD)["a_total"].samples, {("a_total", (("b", "c"),)): 1})

    def test_refuses_what_is_wrong(self):
        for bad in (self.GOOD[:-1], self.GOOD + 'a_total{b="c"} 2\n', self.GOOD + "b_total 1\n", self.GOOD.replace("_total", ""), "a 1\n",
                    self.GOOD.replace(" 1\n", " -1\n"), self.GOOD.replace(" 1\n", " one\n"), self.GOOD.replace('"c"', '"c'),
                    self.GOOD.replace("counter", "thing"), self.GOOD + "\n",
                    '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
                    '# HELP h H.\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n'):
            with self.assertRaises(Fault, msg=bad):
                read(bad)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--file":
        with open(sys.argv[2], encoding="utf-8") as given:
            print(f"{len(read(given.read()))} families")
        sys.exit(0)
    promtool = len(sys.argv) == 3 and sys.argv[1] == "--promtool"
    if len(sys.argv) != 2 and not promtool:
        sys.exit(__doc__)
    if promtool and shutil.which("promtool") is None:
        print("promtool is not installed; contrib/install-dependencies --all brings it")
        sys.exit(SKIPPED)
    Mounted.varvefs = sys.argv[-1]
    unittest.main(argv=[sys.argv[0], *(["ByPromtool"] if promtool else ["ByTheReader", "TheReader"])])
