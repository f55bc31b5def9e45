# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the rig's programs end: in words, with a status of its own for each trouble, and by the signal that stopped them."""
import os
import signal
import sys

from trouble import NOT_STARTED, Trouble


class Stopped(BaseException):
    """By a signal; everything is cleaned up on the way out."""


def _stop(number, _):
    raise Stopped(number)


def ended_by_signals(name, program):
    """The exit status of program()."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return program()
    except Trouble as trouble:
        print(f"{name}: {trouble}", file=sys.stderr)
        return trouble.status
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return NOT_STARTED
    except Stopped as stopped:
        signal.signal(stopped.args[0], signal.SIG_DFL)
        os.kill(os.getpid(), stopped.args[0])
