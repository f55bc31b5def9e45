# SPDX-License-Identifier: LGPL-2.1-or-later
"""One guest: QEMU with the host's root, its channels and disks, from start to end."""
import contextlib
import dataclasses
import os
import selectors
import socket
import time

import children
import initramfs
from share import Share
from trouble import NO_STATUS, TOO_LATE, Trouble

QEMU = "qemu-system-x86_64"
# A panic ends QEMU; the crypto API's tests of itself would take half a second of each boot. Linux counts the timer's interrupts at boot and panics when
# they come too slowly, as from an emulator on a busy machine: it does not under KVM, nor with no_timer_check.
COMMAND_LINE = "console=ttyS0 quiet loglevel=5 panic=-1 no_timer_check cryptomgr.notests"
LAST_WORDS = 4000  # bytes of the kernel's console that are shown when a guest did not finish
POLL = 0.1  # seconds between two looks at what else may end a run
END = 20  # seconds that a guest may take from its job's end to its own


@dataclasses.dataclass(frozen=True)
class Hardware:
    memory: int = 1024  # MiB
    cpus: int = 1
    disks: tuple = ()  # of disk.Disk


class Machine:
    """Used as a context: however it is left, nothing of the guest stays."""

    def __init__(self, kernel, job, hardware, show_console=False):
        self._kernel, self._job, self._hardware, self._show_console = kernel, job, hardware, show_console
        self._cleanup = contextlib.ExitStack()
        self._selector = self._cleanup.enter_context(selectors.DefaultSelector())
        self.console = bytearray()  # all that the kernel said
        self._told = b""  # by the guest, on the channel `status`
        self._children = {}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    # ---- starting

    def _start(self):
        shares = [self._share("root", "/", "always")]
        if self._job.output:
            shares.append(self._share("output", self._job.output, "auto"))
        first = self._cleanup.enter_context(os.fdopen(os.memfd_create("initramfs"), "wb"))
        initramfs.write(first, self._kernel, self._job.text(self._kernel))
        keep = [first.fileno(), *(share.connection.fileno() for share in shares), *(disk.descriptor for disk in self._hardware.disks)]
        arguments = [*self._board(), "-initrd", f"/proc/self/fd/{first.fileno()}", "-device", "virtio-serial"]
        for share in shares:
            arguments += share.arguments()
        for number, disk in enumerate(self._hardware.disks):
            arguments += disk.arguments(number)
        ends = []
        for name, receive in self._channels().items():
            ours, guests = socket.socketpair()
            ends.append(self._cleanup.enter_context(guests))
            self._selector.register(self._cleanup.enter_context(ours), selectors.EVENT_READ, receive)
            arguments += ["-chardev", f"socket,id={name},fd={guests.fileno()}"]
            arguments += ["-serial", f"chardev:{name}"] if name == "console" else ["-device", f"virtserialport,chardev={name},name={name}"]
        self._own(QEMU, children.start(arguments, keep + [end.fileno() for end in ends]))
        for mine in (*ends, *(share.connection for share in shares)):
            mine.close()

    def _share(self, tag, directory, cache):
        share = Share(tag, directory, cache)
        self._own(f"virtiofsd of {directory}", share.server)
        self._cleanup.enter_context(share.connection)
        return share

    def _own(self, name, child):
        self._children[name] = child
        self._cleanup.callback(child.kill)

    def _board(self):
        memory = f"{self._hardware.memory}M"
        return [QEMU, "-machine", "q35,memory-backend=memory", "-object", f"memory-backend-memfd,id=memory,size={memory},share=on",
                "-m", memory, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(self._hardware.cpus),
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", self._kernel.image, "-append", COMMAND_LINE]

    # ---- running

    def _channels(self):
        return {"console": self._hear, "status": self._tell, "out": lambda data: _write(1, data), "error": lambda data: _write(2, data)}

    def _hear(self, data):
        self.console += data
        if self._show_console:
            _write(2, data)

    def _tell(self, data):
        self._told += data

    def run(self, seconds, until=lambda: False):
        """The job's exit status, or None as soon as until() holds. Trouble if the guest ends without a status, or it takes longer than this."""
        deadline = time.monotonic() + seconds
        while self._selector.get_map() and self._status() is None:
            self._receive(min(POLL, deadline - time.monotonic()))
            if until():
                return None
            if time.monotonic() >= deadline:
                raise Trouble(f"the guest had not {'finished the command' if self._told else 'even booted'} after {seconds} s and was killed"
                              f"; more time: --deadline{self._last_words()}", TOO_LATE)
        status = self._status()
        if status is None:
            raise Trouble(f"the guest ended before {'the command did' if self._told else 'it had booted'}{self._last_words()}", NO_STATUS)
        deadline = time.monotonic() + END
        while self._selector.get_map() and self._receive(deadline - time.monotonic()):
            pass  # what was still under way, until the guest is off
        return status

    def _status(self):
        for line in self._told.decode(errors="replace").splitlines(keepends=True):
            if line.startswith("exit ") and line.endswith("\n"):
                return int(line.split()[1])
        return None

    def _receive(self, seconds):
        """Takes what has come; False when nothing came in time. A channel that QEMU closed is forgotten."""
        ready = self._selector.select(max(seconds, 0)) if seconds > 0 else []
        for key, _ in ready:
            data = key.fileobj.recv(1 << 16)
            if data:
                key.data(data)
            else:
                self._selector.unregister(key.fileobj)
        return bool(ready)

    def _last_words(self):
        console = b"" if self._show_console else self.console[-LAST_WORDS:]
        said = {"the guest's console": console.decode(errors="replace").replace("\r", "").strip()}
        said |= {name: child.words() for name, child in self._children.items()}
        return "".join(f"\n---- {who} said last:\n{words}" for who, words in said.items() if words)


def _write(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]
