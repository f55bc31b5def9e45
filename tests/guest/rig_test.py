# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rig itself, with guests that finish, hang, panic and are stopped. The cache of the kernel is the only argument."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
CACHE = sys.argv.pop(1)

EVERYTHING = r"""
set -eu
[ "$(id -u)" = 0 ]
[ "$GTEST_FILTER" = 'A b*' ]
[ "$PWD" = "$1" ] && [ "$VARVE_GUEST_OUTPUT" = "$1/out" ]
[ "$(cat there)" = 'from the host' ]
echo written >"$VARVE_GUEST_OUTPUT/file"
echo lost >there
for place in /dev/mapper/control /dev/loop-control /dev/fuse /dev/vda /dev/vdb /dev/ptmx; do test -e "$place"; done
test -w /dev/shm && test -d "$TMPDIR"
[ "$(blockdev --getsize64 /dev/vda)" = 67108864 ]
[ "$(head -c 5 /dev/vdb)" = image ]
printf IMAGE >/dev/vdb
mkfs.ext4 -q /dev/vda && mount /dev/vda /mnt
for target in snapshot thin-pool crypt flakey log-writes; do modprobe "dm-$target"; done
for filesystem in xfs btrfs; do modprobe "$filesystem"; done
truncate -s 1M "$TMPDIR/backing"
loop=$(losetup --find --show "$TMPDIR/backing")
dmsetup create probe --table "0 2048 linear $loop 0"
test -b /dev/mapper/probe
echo output; echo error >&2
exit 7
"""


def run(*arguments, **keywords):
    return subprocess.run([RUN, "--cache", CACHE, *arguments], capture_output=True, text=True, timeout=120, check=False, **keywords)


def processes_of(session):
    """The commands of what still runs in this session, or was started by it into one of its own."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/environ", "rb") as environ, open(f"/proc/{number}/cmdline", "rb") as cmdline:
                if f"VARVE_RIG_TEST={session}".encode() in environ.read().split(b"\0"):
                    found.append(cmdline.read().decode().split("\0")[0])
        except OSError:
            pass  # it ended meanwhile
    return found


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


class RigTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = directory.name

    def read(self, name):
        with open(f"{self.place}/{name}", encoding="ascii") as file:
            return file.read()

    def in_guest(self, *options):
        with open(f"{self.place}/there", "w", encoding="ascii") as file:
            file.write("from the host")
        with open(f"{self.place}/image", "w", encoding="ascii") as file:
            file.write("image")
            file.truncate(1 << 20)
        done = run("--output", f"{self.place}/out", "--directory", self.place, "--disk", "64M", "--disk", f"{self.place}/image", *options, "--",
                   "bash", "-c", EVERYTHING, "bash", self.place, env=dict(os.environ, GTEST_FILTER="A b*"))
        self.assertEqual((done.stdout, done.returncode), ("output\n", 7), done.stderr)
        self.assertIn("error\n", done.stderr)
        self.assertEqual(self.read("out/file"), "written\n")
        self.assertEqual(self.read("there"), "from the host")
        self.assertEqual(self.read("image")[:5], "IMAGE")
        self.assertTrue(os.path.exists(f"{self.place}/out/console.log"))

    def test_a_command_has_all_it_needs_without_udev(self):
        self.in_guest()

    def test_a_command_has_all_it_needs_with_udev(self):
        self.in_guest("--udev")

    def test_a_hang_ends_at_the_deadline(self):
        done = run("--deadline", "20", "sh", "-c", "echo begun; sleep 1000")
        self.assertEqual((done.returncode, done.stdout), (124, "begun\n"), done.stderr)
        self.assertIn("had not finished the command after 20 s", done.stderr)

    def test_a_panic_is_told(self):
        done = run("sh", "-c", "echo c >/proc/sysrq-trigger")
        self.assertEqual(done.returncode, 123, done.stderr)
        self.assertIn("Kernel panic", done.stderr)

    def test_a_signal_stops_it_and_nothing_stays(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            with self.subTest(number):
                session = f"{os.getpid()}-{number}"
                with subprocess.Popen([RUN, "--cache", CACHE, "sleep", "1000"], env=dict(os.environ, VARVE_RIG_TEST=session)) as rig:
                    self.assertTrue(wait_for(lambda: len(processes_of(session)) == 3), processes_of(session))
                    rig.send_signal(number)
                    self.assertEqual(rig.wait(20), -number)
                self.assertTrue(wait_for(lambda: not processes_of(session)), processes_of(session))

    def test_what_cannot_start_says_why(self):
        for words, why in ((["no-such-program"], "there is no program no-such-program"), ([], "nothing to run"),
                           (["--directory", "/run", "true"], "cannot be seen in the guest"),
                           (["--disk", "/no/such/image", "true"], "cannot use /no/such/image as a disk"), (["--cache", "/proc/x", "true"], "/proc")):
            with self.subTest(words):
                done = run(*words)
                self.assertEqual(done.returncode, 125)
                self.assertIn(why, done.stderr)

    def test_programs_that_are_missing_are_named(self):
        python = f"{self.place}/python3"
        os.symlink(sys.executable, python)
        done = subprocess.run([python, RUN, "--cache", CACHE, "/bin/true"], env={"PATH": self.place}, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 125)
        self.assertIn("there is no qemu-system-x86_64; contrib/install-dependencies --all installs it", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
