# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host for VMs: a libvirtd of this run's own, an orchestrator on a real mount, and a small guest. Nothing of the machine's libvirt is used or changed."""
import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import servers
import stage

HERE = os.path.dirname(os.path.abspath(__file__))
URI = "qemu:///system"
QEMU_USER = "libvirt-qemu"  # Debian's libvirt does without no privileged QEMU driver
# Where libvirtd keeps everything: its own, in this process's mount table.
PLACES = ("/run", "/var/lib", "/var/cache", "/etc/libvirt")
QEMU_CONF = ('user = "root"\ngroup = "root"\ndynamic_ownership = 0\nremember_owner = 0\nsecurity_driver = "none"\n'
             'cgroup_controllers = [ ]\nnamespaces = [ ]\nstdio_handler = "file"\n')
PATIENCE = 60
NEEDED = ("libvirtd", "virsh", "qemu-system-x86_64")


def missing():
    """The programs that are not installed."""
    return [name for name in NEEDED if not shutil.which(name)]


@contextlib.contextmanager
def mounted_over(place, *arguments):
    stage.call("mount", *arguments, place)
    try:
        yield
    finally:
        # What ran on it has ended, or ends with this process.
        subprocess.run(["umount", "--lazy", place], check=False, stderr=subprocess.DEVNULL)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def place_of_its_own(stack, directory):
    """Empty directories where libvirtd keeps things, a user for its QEMU, and no KVM: one that is there may not work, so all guests are emulated."""
    for name, line in (("passwd", f"{QEMU_USER}:x:64055:64055::/nonexistent:/usr/sbin/nologin"), ("group", f"{QEMU_USER}:x:64055:")):
        with open(f"/etc/{name}", encoding="utf-8") as theirs:
            text = theirs.read()
        if not any(each.startswith(f"{QEMU_USER}:") for each in text.splitlines()):
            own = os.path.join(directory, name)
            write(own, f"{text}{line}\n")
            stack.enter_context(mounted_over(f"/etc/{name}", "--bind", own))
    if os.path.exists("/dev/kvm"):
        nothing = os.path.join(directory, "no-kvm")
        write(nothing, "")
        stack.enter_context(mounted_over("/dev/kvm", "--bind", nothing))
        # Nobody can write it then: to libvirt a KVM that can be opened but not used is a reason to ask QEMU again at every step.
        stage.call("mount", "-o", "remount,bind,ro", "/dev/kvm")
    for place in PLACES:
        stack.enter_context(mounted_over(place, "-t", "tmpfs", "varve-benchmark"))
    for path in ("/run/libvirt", "/var/lib/libvirt"):
        os.mkdir(path)
    write("/etc/libvirt/qemu.conf", QEMU_CONF)
    write("/etc/libvirt/libvirtd.conf", 'auth_unix_rw = "none"\nunix_sock_group = "root"\n')


class Program:
    """A process in the background that is ready when `answers` says so; used as a context."""

    def __init__(self, command, log, answers):
        self._command = servers.ENDS_WITH_US + command
        self._log = log
        self._answers = answers
        self._process = None

    def __enter__(self):
        end = time.monotonic() + PATIENCE
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise RuntimeError(f"{self._command[3]} does not answer: {self.log_tail()}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_tail(self):
        with open(self._log, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]


def guest(setting):
    """(kernel, initramfs) of a guest that says on its console when it has booted. Made once for a build directory."""
    directory = setting.program("tests", "libvirt", "vm")
    if not os.path.exists(f"{directory}/initramfs"):
        cache = os.environ.get("VARVE_GUEST_CACHE") or setting.program("guest-cache")
        stage.call(sys.executable, "-B", f"{HERE}/../libvirt/make-vm", cache, directory)
    return f"{directory}/vmlinuz", f"{directory}/initramfs"


class Host:
    """What the benchmark does on it, by the programs that a user calls."""

    def __init__(self, setting, directory, mountpoint):
        self.directory = directory
        self.mountpoint = mountpoint
        self.pool = f"{mountpoint}/pools/fast"
        self._varve = [setting.program("orchestrator", "cli", "varve"), "--mount", mountpoint, "--socket", f"{directory}/socket"]

    def varve_command(self, *arguments):
        return [*self._varve, *arguments]

    def varve(self, *arguments):
        """What it prints."""
        return output(self.varve_command(*arguments))

    def varve_json(self, *arguments):
        return json.loads(self.varve("--json", *arguments))

    def ctl(self, vm, word):
        """One command to all volumes of a VM, without a process."""
        with open(f"{self.pool}/{vm}/.varve/ctl", "w", encoding="ascii") as ctl:
            ctl.write(f"{word}\n")


def output(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"'{' '.join(command)}' failed: {done.stderr.strip()}")
    return done.stdout


def virsh_command(*arguments):
    return ["virsh", "--quiet", "--connect", URI, *arguments]


def virsh(*arguments):
    return output(virsh_command(*arguments))


def milliseconds(command):
    begin = time.monotonic()
    output(command)
    return (time.monotonic() - begin) * 1000


def succeeds(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def end_guests():
    """Guests outlive libvirtd."""
    for path in glob.glob("/run/libvirt/qemu/*.pid"):
        with open(path, encoding="ascii") as file, contextlib.suppress(ProcessLookupError):
            os.kill(int(file.read()), signal.SIGKILL)


@contextlib.contextmanager
def host(setting, directory, pool_directory):
    """A Host, with everything on it running."""
    os.makedirs(pool_directory)
    with contextlib.ExitStack() as stack:
        place_of_its_own(stack, directory)
        varvefs = servers.Varve(setting.varvefs, directory, pool_directory)
        stack.enter_context(varvefs)
        libvirtd = ["libvirtd", "--config", "/etc/libvirt/libvirtd.conf"]
        stack.callback(end_guests)
        stack.enter_context(Program(libvirtd, f"{directory}/libvirtd.log", lambda: succeeds(virsh_command("version"))))
        write(f"{directory}/orchestrator.toml",
              f'socket = "{directory}/socket"\nstate_dir = "{directory}/vms"\nruntime_dir = "{directory}/runtime"\n'
              f'mountpoint = "{varvefs.mountpoint}"\nhypervisor = "{URI}"\n')
        os.mkdir(f"{directory}/vms")
        made = Host(setting, directory, varvefs.mountpoint)
        orchestrator = [setting.program("orchestrator", "varve-orchestrator"), "--config", f"{directory}/orchestrator.toml"]
        stack.enter_context(Program(orchestrator, f"{directory}/orchestrator.log", lambda: succeeds(made.varve_command("vm", "ls"))))
        yield made
