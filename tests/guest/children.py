# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that never outlive this one, not even when it is killed."""
import ctypes
import os
import signal
import subprocess
import tempfile

from trouble import Trouble

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    def __init__(self, process, words):
        self.process = process
        self._words = words  # what it wrote

    def words(self):
        self._words.seek(0)
        return self._words.read().decode(errors="replace").strip()

    def kill(self):
        self.process.kill()
        self.process.wait()


def start(arguments, keep=()):
    """Runs it with the descriptors `keep` open, in a session of its own: Ctrl-C is ours to hand on."""
    parent = os.getpid()

    def die_with_parent():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before
            os._exit(1)

    words = tempfile.TemporaryFile()
    try:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=words, stderr=words, pass_fds=keep, start_new_session=True,
                                   preexec_fn=die_with_parent)
    except FileNotFoundError as error:
        raise Trouble(f"there is no {arguments[0]}; contrib/install-dependencies --all installs it") from error
    return Child(process, words)
