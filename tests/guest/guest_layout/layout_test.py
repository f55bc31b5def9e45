# SPDX-License-Identifier: LGPL-2.1-or-later
"""The older guest-side layout: VMs with a read-only root that stack their changes themselves, booted with an initramfs that has contrib/guest.

Arguments: the cache of the kernel, varvefs, varve. Needs root and a mount table of its own (unshare --mount).
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import children
import kernel

CACHE, VARVEFS, VARVE = sys.argv[1:4]
del sys.argv[1:4]
CONTRIB = os.path.join(HERE, "../../../contrib/guest")
BOOT_SECONDS = 90

# The VM's first process; vm= of the kernel's command line is in its environment. It says what it finds, changes its root, and powers off.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
if [ -e /changed ]; then echo "guest: changed by $(cat /changed)"; else echo "guest: not changed"; fi
if echo "$vm" >/changed && dd if=/dev/urandom of=/bulk bs=64k count=64 2>/dev/null && sync; then echo "guest: wrote"; fi
swapon "$(findfs LABEL=varve-swap)" && echo "guest: swap $(awk 'NR == 2 { print $3 }' /proc/swaps)"
echo "guest: root $(awk '$2 == "/" { print $1 }' /proc/mounts | tail -n 1)"
mount -o remount,ro /
poweroff -f
"""


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ, LC_ALL="C.UTF-8"))
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Layout(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = kernel.get(CACHE)
        cls._make_directory()
        cls._make_initramfs()
        cls._make_root()
        cls._start_varve()

    @classmethod
    def _make_directory(cls):
        cls.place = tempfile.mkdtemp(prefix="varve-layout-")
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        for mounted in ("pool", "mnt"):  # undone in the other order
            cls.addClassCleanup(subprocess.run, ["umount", f"{cls.place}/{mounted}"], check=False, capture_output=True)

    @classmethod
    def _make_initramfs(cls):
        """As update-initramfs would in the template, with the guest's kernel in the place of this machine's."""
        run("mount", "-t", "overlay", "-o", f"ro,lowerdir={cls.kernel.root}:/usr", "overlay", "/usr")
        os.makedirs("/boot", exist_ok=True)
        run("mount", "--bind", f"{cls.kernel.root}/boot", "/boot")
        settings = f"{cls.place}/initramfs-tools"
        shutil.copytree(CONTRIB, settings)
        for name, text in {"initramfs.conf": "MODULES=list\nBUSYBOX=auto\nCOMPRESS=gzip\nDEVICE=\nNFSROOT=auto\nRUNSIZE=10%\nFSTYPE=ext4\n",
                           "modules": "virtio_pci\nvirtio_blk\next4\n"}.items():
            with open(f"{settings}/{name}", "w", encoding="ascii") as file:
                file.write(text)
        for folder in ("conf.d", "scripts"):
            os.makedirs(f"{settings}/{folder}", exist_ok=True)
        run("mkinitramfs", "-d", settings, "-o", f"{cls.place}/initrd", cls.kernel.release)

    @classmethod
    def _make_root(cls):
        tree = f"{cls.place}/tree"
        for folder in ("bin", "sbin", "dev", "proc", "sys", "run", "tmp"):
            os.makedirs(f"{tree}/{folder}")
        shutil.copy(cls.kernel.busybox, f"{tree}/bin/busybox")
        with open(f"{tree}/sbin/init", "w", encoding="ascii") as file:
            file.write(INIT)
        os.chmod(f"{tree}/sbin/init", 0o755)
        with open(f"{cls.place}/root.raw", "wb") as file:
            file.truncate(64 << 20)
        run("mke2fs", "-q", "-t", "ext4", "-d", tree, f"{cls.place}/root.raw")

    @classmethod
    def _start_varve(cls):
        with open(f"{cls.place}/disk", "wb") as file:
            file.truncate(1 << 30)
        run("mkfs.xfs", "-q", "-m", "reflink=1", f"{cls.place}/disk")
        for folder in ("pool", "mnt", "state"):
            os.mkdir(f"{cls.place}/{folder}")
        run("mount", "-o", "loop", f"{cls.place}/disk", f"{cls.place}/pool")
        with open(f"{cls.place}/varve.toml", "w", encoding="utf-8") as file:
            file.write(f'mountpoint = "{cls.place}/mnt"\nstate_dir = "{cls.place}/state"\n'
                       f'[[pool]]\nname = "fast"\ndriver = "file-reflink"\ndir_path = "{cls.place}/pool"\n')
        daemon = children.start([VARVEFS, "--config", f"{cls.place}/varve.toml", "--foreground"])
        cls.addClassCleanup(daemon.kill)
        deadline = time.monotonic() + 20
        while not os.path.isdir(f"{cls.place}/mnt/pools/fast"):
            if time.monotonic() > deadline:
                raise AssertionError(f"varvefs did not come up:\n{daemon.words()}")
            time.sleep(0.05)
        cls.varve("create", "fast/template")
        cls.varve("import", f"{cls.place}/root.raw", "fast/template/root")
        cls.varve("create", "--parents", "fast/work/root", "--source", "fast/template/root", "--read-only")
        cls.varve("create", "fast/work/volatile", "192M", "--kind", "volatile")

    @classmethod
    def varve(cls, *arguments):
        said = run(VARVE, "--mount", f"{cls.place}/mnt", "--json", *arguments)
        return json.loads(said) if said else None

    # ---- VMs

    def device(self, volume):
        return os.path.realpath(f"{self.place}/mnt/pools/fast/{volume.replace('/', '/.varve/')}/device")

    def boot(self, command_line, disks):
        """What the VM said, until it powered off."""
        arguments = ["qemu-system-x86_64", "-machine", "q35", "-m", "256M", "-accel", "tcg", "-cpu", "max", "-nodefaults", "-no-user-config",
                     "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", self.kernel.image, "-initrd", f"{self.place}/initrd",
                     "-append", f"console=ttyS0 quiet loglevel=4 panic=-1 no_timer_check {command_line}"]
        for path, read_only in disks:
            arguments += ["-drive", f"file={path},format=raw,if=virtio,file.locking=off,readonly={'on' if read_only else 'off'}"]
        guest = children.start(arguments)
        self.addCleanup(guest.kill)
        try:
            guest.process.wait(BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            self.fail(f"the VM did not power off:\n{guest.words()}")
        return [line.strip() for line in guest.words().splitlines() if line.startswith("guest: ")] or self.fail(guest.words())

    def boot_work(self):
        self.varve("start", "fast/work")
        layout = self.varve("partition", "fast/work/volatile", "--swap", "32M")
        self.assertEqual([part["size"] for part in layout["partitions"]], [159 << 20, 32 << 20])
        root = self.device("work/root")
        before = digest(root)
        said = self.boot("vm=work root=/dev/mapper/varve-root rw varve.root=/dev/vda varve.volatile=/dev/vdb",
                         [(root, True), (self.device("work/volatile"), False)])
        self.assertEqual(digest(root), before, "the VM wrote to its read-only root")
        self.varve("stop", "fast/work")
        return said

    def boot_template(self):
        self.varve("start", "fast/template")
        said = self.boot("vm=template root=/dev/vda rw", [(self.device("template/root"), False)])
        self.varve("stop", "fast/template")
        return said

    def test_changes_are_gone_at_the_next_start_and_the_templates_are_there(self):
        rest = ["guest: wrote", "guest: swap 32764", "guest: root /dev/mapper/varve-root"]
        self.assertEqual(self.boot_work(), ["guest: not changed", *rest])
        self.assertEqual(self.boot_template()[:2], ["guest: not changed", "guest: wrote"])
        self.assertEqual(self.boot_work(), ["guest: changed by template", *rest])

    def test_a_volume_that_is_not_empty_is_refused(self):
        self.varve("start", "fast/work/volatile")
        self.addCleanup(self.varve, "stop", "fast/work/volatile")
        self.varve("partition", "fast/work/volatile", "--swap", "32M")
        with self.assertRaisesRegex(AssertionError, "content already"):
            self.varve("partition", "fast/work/volatile", "--swap", "64M")

    def test_only_started_volatile_volumes(self):
        with self.assertRaisesRegex(AssertionError, "not started"):
            self.varve("partition", "fast/work/volatile", "--swap", "32M")
        with self.assertRaisesRegex(AssertionError, "only volatile volumes"):
            self.varve("partition", "fast/work/root", "--swap", "32M")


if __name__ == "__main__":
    unittest.main(verbosity=2)
