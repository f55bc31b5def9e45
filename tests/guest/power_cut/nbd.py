# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serves a disk to QEMU as a network block device, over a socket without a name, until its power fails.

Protocol: doc/proto.md of the NetworkBlockDevice project; fixed newstyle handshake, simple replies.
"""
import socket
import struct
import threading

GREETING = struct.pack(">8s8sH", b"NBDMAGIC", b"IHAVEOPT", 3)  # fixed newstyle, no zeroes
OPTION, OPTION_REPLY = struct.Struct(">8sII"), struct.Struct(">QIII")
REPLY_MAGIC, GO, ACK, INFO, UNSUPPORTED = 0x3E889045565A9, 7, 1, 3, (1 << 31) | 1
REQUEST, REPLY = struct.Struct(">IHHQQI"), struct.Struct(">IIQ")
REQUEST_MAGIC, SIMPLE_REPLY_MAGIC = 0x25609513, 0x67446698
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
CAN = 1 | 4 | 8  # flags are there; flush; FUA
FUA, INVALID = 1, 22


class Server:
    """`progress()` is asked at each request. After `power_off()` nothing is answered nor recorded any more."""

    def __init__(self, disk, size, progress):
        self._disk, self._size, self._progress = disk, size, progress
        self._connection, self.qemus_end = socket.socketpair()
        self._received = b""
        self._lock = threading.Lock()
        self._off = False
        self.failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # ---- as a disk of machine.Machine
    @property
    def descriptor(self):
        return self.qemus_end.fileno()

    def arguments(self, number):
        return ["-blockdev", f"driver=nbd,node-name=disk{number},server.type=fd,server.str={self.descriptor},export=disk",
                "-device", f"virtio-blk-pci,drive=disk{number},serial=disk{number}"]

    def paused(self, action):
        """Does it while no request is served."""
        with self._lock:
            action()

    def power_off(self):
        """Returns the progress at the moment of the cut."""
        with self._lock:
            self._off = True
            return self._progress()

    def close(self):
        self.qemus_end.close()
        self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()

    # ---- the connection's own thread
    def _run(self):
        try:
            self._negotiate()
            while self._serve_what_came():
                pass
        except (ConnectionError, EOFError):
            pass  # QEMU is gone
        except Exception as error:  # else the guest would wait for ever and nobody knew why
            self.failure = error
            self._connection.shutdown(socket.SHUT_RDWR)

    def _receive(self):
        data = self._connection.recv(1 << 20)
        if not data:
            raise EOFError
        self._received += data

    def _take(self, count):
        while len(self._received) < count:
            self._receive()
        data, self._received = self._received[:count], self._received[count:]
        return data

    def _negotiate(self):
        self._connection.sendall(GREETING)
        self._take(4)  # its flags
        while True:
            magic, option, length = OPTION.unpack(self._take(OPTION.size))
            if magic != b"IHAVEOPT":
                raise ValueError("QEMU does not speak NBD's newstyle")
            self._take(length)
            if option == GO:
                self._reply(option, INFO, struct.pack(">HQH", 0, self._size, CAN))
                self._reply(option, ACK, b"")
                return
            self._reply(option, UNSUPPORTED, b"")

    def _reply(self, option, kind, data):
        self._connection.sendall(OPTION_REPLY.pack(REPLY_MAGIC, option, kind, len(data)) + data)

    def _serve_what_came(self):
        """All requests that are there together were under way together: a flush among them covers none of the others."""
        self._receive()
        with self._lock:
            if self._off:
                return False
            progress, answered = self._progress(), len(self._disk.requests)
            while (request := self._next_request()) is not None:
                if not self._serve(*request, progress, answered):
                    return False
        return True

    def _next_request(self):
        """None until one is there as a whole."""
        if len(self._received) < REQUEST.size:
            return None
        magic, flags, kind, handle, offset, length = REQUEST.unpack_from(self._received)
        if magic != REQUEST_MAGIC:
            raise ValueError("QEMU sent what is no request")
        end = REQUEST.size + (length if kind == WRITE else 0)
        if len(self._received) < end:
            return None
        data, self._received = self._received[REQUEST.size:end], self._received[end:]
        return kind, flags, handle, offset, length, data

    def _serve(self, kind, flags, handle, offset, length, data, progress, answered):
        answer, error = b"", 0
        if kind == READ:
            answer = self._disk.read(offset, length)
        elif kind == WRITE:
            self._disk.write(offset, data, bool(flags & FUA), progress)
        elif kind == FLUSH:
            self._disk.flush(answered, progress)
        elif kind == DISCONNECT:
            return False
        else:
            error = INVALID
        self._connection.sendall(REPLY.pack(SIMPLE_REPLY_MAGIC, error, handle) + answer)
        return True
