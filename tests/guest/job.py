# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest is to do, as the shell file that its first process reads."""
import dataclasses
import os
import re
import shutil
from shlex import quote

from trouble import Trouble

PASSED_ON = re.compile(r"(GTEST|VARVE|ASAN|UBSAN|TSAN)_\w+")
THE_GUESTS_OWN = ("/dev", "/proc", "/sys", "/run")


@dataclasses.dataclass(frozen=True)
class Job:
    command: list  # a program with its arguments
    directory: str  # where it starts
    output: str | None = None  # a directory of the host that the guest may write to
    udev: bool = False
    modules: tuple = ()

    def text(self, kernel):
        names = sorted(name for name in os.environ if PASSED_ON.fullmatch(name) and name != "VARVE_GUEST_CACHE")
        return "\n".join([
            f"modules={quote(kernel.modules)} extra_modules={quote(' '.join(self.modules))}",
            f"output={quote(self.output or '')} udev={'yes' if self.udev else ''}",
            "run_command() {",
            *(f"export {name}={quote(os.environ[name])}" for name in names),
            f"export VARVE_GUEST_OUTPUT={quote(self.output or '')}",
            f"cd {quote(self.directory)} && exec {' '.join(map(quote, self.command))}",
            "}", ""])


def program(name):
    """The program's own place, which is the same in the guest."""
    found = shutil.which(name)
    if not found:
        raise Trouble(f"there is no program {name}")
    return visible(found)


def visible(path):
    """The absolute form of a path that the guest sees too."""
    path = os.path.realpath(path)
    for place in THE_GUESTS_OWN:
        if path == place or path.startswith(place + "/"):
            raise Trouble(f"{path} cannot be seen in the guest, which has a {place} of its own; use another place")
    return path
