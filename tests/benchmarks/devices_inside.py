# SPDX-License-Identifier: LGPL-2.1-or-later
"""Inside the guest, for `devices`: a driver and a script do the same steps, in turns. Prints one JSON object for each step that is measured.

Arguments: block_benchmark, the driver, how many rounds, the udev rules. /dev/vda is an empty disk.
"""
import json
import os
import shutil
import subprocess
import sys
import time

from block_scripts import SCRIPTS

STEPS = ("start-origin", "write", "stop-origin", "start-app", "stop-app", "snapshot", "forget", "revert")
# What a revert of `file` leaves is no COW file, and would be the next thing to revert to.
ROUNDS = {"file": (*STEPS, "clear"), "lvm_thin": STEPS}
UNMEASURED = ("write", "forget", "clear")


class Driver:
    def __init__(self, program, name, parameters):
        self.process = subprocess.Popen([program, name, *parameters], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer("its start")

    def _answer(self, step):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{step}: the driver's program ended with status {self.process.wait()}")
        return line

    def run(self, step):
        self.process.stdin.write(step + "\n")
        self.process.stdin.flush()
        return float(self._answer(step))


def run_script(script, step):
    begin = time.monotonic()
    getattr(script, step.replace("-", "_"))()
    return (time.monotonic() - begin) * 1e6


def rest():
    """What a step leaves to do, to the disk and to udev, is no other's."""
    os.sync()
    subprocess.run(["udevadm", "settle"], check=True)


def main():
    program, name, rounds, rules = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    os.makedirs("/run/udev/rules.d", exist_ok=True)
    shutil.copy(rules, "/run/udev/rules.d")
    subprocess.run(["udevadm", "control", "--reload"], check=True)
    script = SCRIPTS[name]()
    driver = Driver(program, name, script.parameters)
    sides = {"varve": driver.run, "script": lambda step: run_script(script, step)}
    for number in range(rounds + 1):
        order = sorted(sides, reverse=number % 2 == 0)
        for step in ROUNDS[name]:
            for side in order:
                rest()
                taken = sides[side](step)
                if number > 0 and step not in UNMEASURED:  # the first round warms up
                    print(json.dumps({"round": number, "step": step, "side": side, "microseconds": taken}), flush=True)


main()
