#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""contrib/callback/encrypted-pool opens a pool's storage before varvefs looks at it, refuses starts, and closes it behind the pool.

Usage: encrypted_pool_test.py ENCRYPTED-POOL VARVEFS VARVE (as root, in a mount table of its own: unshare --mount)

In cryptsetup's place there is a program that asks for the key and maps a loop device, so that no kernel with dm-crypt is needed.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HOOK, VARVEFS, VARVE = sys.argv[1:4]
del sys.argv[1:4]
DEADLINE = 60  # seconds, for anything that is waited for

# Of its PATH, a hook's program looks here first.
FIRST_OF_PATH = "/usr/local/sbin"
CRYPTSETUP = """#!/bin/sh
set -eu
echo "$*" >>{place}/calls
case "$1" in
open)
    [ "$2" = --key-file ] && [ "$(cat "$3")" = secret ] || {{ echo "No key available with this passphrase." >&2; exit 2; }}
    ln -s "$(losetup --find --show "$4")" "/dev/mapper/$5"
    ;;
close)
    losetup --detach "$(readlink "/dev/mapper/$2")"
    rm "/dev/mapper/$2"
    ;;
*) exit 1 ;;
esac
"""


def run(*arguments):
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{arguments} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class EncryptedPool(unittest.TestCase):
    def setUp(self):
        self.daemon = None
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="varve-hook-", dir="/var/tmp"))
        self.addCleanup(self.undo)
        self.mount, self.vault, self.key = (self.place / name for name in ("varve", "vault", "vault.key"))
        self.mapping = pathlib.Path("/dev/mapper/varve-vault")
        self.mount.mkdir()
        self.key.write_text("secret", encoding="ascii")
        container = self.place / "vault.luks"
        run("truncate", "--size", "320M", container)
        run("mkfs.xfs", "-q", "-m", "reflink=1", container)
        hook = self.place / "encrypted-pool"
        shutil.copy(HOOK, hook)
        hook.chmod(0o755)
        run("mount", "-t", "tmpfs", "programs", FIRST_OF_PATH)
        cryptsetup = pathlib.Path(FIRST_OF_PATH) / "cryptsetup"
        cryptsetup.write_text(CRYPTSETUP.format(place=self.place), encoding="ascii")
        cryptsetup.chmod(0o755)
        self.made_directory = not self.mapping.parent.exists()
        self.mapping.parent.mkdir(exist_ok=True)
        (self.place / "varve.toml").write_text(
            f'mountpoint = "{self.mount}"\nstate_dir = "{self.place}/state"\nruntime_dir = "{self.place}/run"\n'
            '[[pool]]\nname = "vault"\ndriver = "callback"\ncallback_driver = "file-reflink"\n'
            f'callback_program = "{hook}"\ncallback_arguments = "{container} {self.key}"\n'
            f'callback_steps = "setup after-destroy before-start"\ndir_path = "{self.vault}"\n', encoding="utf-8")
        self.start_daemon()

    def undo(self):
        self.end_daemon()
        subprocess.run(["umount", "--quiet", str(self.vault)], check=False, timeout=DEADLINE)  # what a test that failed has left
        for device in run("losetup", "--noheadings", "--output", "NAME", "--associated", self.place / "vault.luks").split():
            run("losetup", "--detach", device)
        self.mapping.unlink(missing_ok=True)
        if self.made_directory:
            self.mapping.parent.rmdir()
        run("umount", FIRST_OF_PATH)
        shutil.rmtree(self.place)

    def start_daemon(self):
        with open(self.place / "log", "a", encoding="utf-8") as log:
            self.daemon = subprocess.Popen([VARVEFS, "--foreground", "--config", self.place / "varve.toml"], stdout=log, stderr=log)
        self.wait_for("the mount", lambda: os.path.ismount(self.mount) or self.daemon.poll() is not None)

    def end_daemon(self):
        if self.daemon is None:
            return
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(DEADLINE)
        self.daemon = None

    def wait_for(self, what, condition):
        end = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited in vain for {what}")
            time.sleep(0.02)

    def varve(self, *arguments):
        return run(VARVE, "--mount", self.mount, *arguments)

    def refused(self, *arguments):
        done = subprocess.run([VARVE, "--mount", self.mount, *arguments], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def calls(self):
        return (self.place / "calls").read_text(encoding="utf-8").splitlines()

    def remove_pool(self):
        self.varve("pool", "rm", "vault")
        self.wait_for("the end of the mapping", lambda: not self.mapping.is_symlink())

    def test_the_storage_is_open_while_the_pool_is(self):
        opened = f"open --key-file {self.key} {self.place}/vault.luks varve-vault"
        self.assertEqual(self.calls(), [opened])
        self.assertTrue(os.path.ismount(self.vault))
        self.varve("create", "--parents", "vault/work/root", "1M")
        self.varve("start", "vault/work")
        self.end_daemon()
        self.assertTrue(os.path.ismount(self.vault), "a VM may go on")

        self.start_daemon()
        self.assertEqual(self.calls(), [opened], "what is open stays so")
        self.varve("stop", "vault/work")
        self.remove_pool()
        self.assertEqual(self.calls(), [opened, "close varve-vault"])
        self.assertFalse(os.path.ismount(self.vault))
        self.assertEqual(list(self.vault.iterdir()), [])

    def test_a_start_is_refused_with_its_last_line(self):
        self.varve("create", "--parents", "vault/work/root", "1M")
        (self.vault / ".maintenance").write_text("tomorrow\n", encoding="ascii")
        self.assertIn("the vault is under maintenance until tomorrow", self.refused("start", "vault/work"))
        (self.vault / ".maintenance").unlink()
        self.varve("start", "vault/work")
        self.varve("stop", "vault/work")

    def test_without_the_key_there_is_no_pool(self):
        self.varve("create", "--parents", "vault/work/root", "1M")
        self.remove_pool()
        self.key.write_text("wrong", encoding="ascii")
        self.assertIn("No key available with this passphrase", self.refused("reload"))
        self.assertFalse(os.path.ismount(self.vault))
        self.assertNotIn("vault", self.varve("pool", "ls"))

        self.key.write_text("secret", encoding="ascii")
        self.varve("reload")
        self.assertIn("root", self.varve("ls", "vault/work"))


if __name__ == "__main__":
    unittest.main()
