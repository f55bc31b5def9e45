# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a run ends when it was not the command that ended it: exit statuses that no test uses for itself."""

NO_STATUS = 123  # the guest ended (panic, power off) before the command did
TOO_LATE = 124  # the deadline passed, as with timeout(1)
NOT_STARTED = 125  # the rig could not start a guest


class Trouble(Exception):
    """Says what went wrong and what to do."""

    def __init__(self, message, status=NOT_STARTED):
        super().__init__(message)
        self.status = status
