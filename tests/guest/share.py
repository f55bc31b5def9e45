# SPDX-License-Identifier: LGPL-2.1-or-later
"""A directory of the host that a guest sees, by virtiofsd. No file of it is left behind: the socket has no name in the file system."""
import os
import socket

import children
from trouble import Trouble

VIRTIOFSD = "/usr/lib/qemu/virtiofsd"


class Share:
    def __init__(self, tag, directory, cache):
        """`cache` is virtiofsd's: "always" for what does not change meanwhile, "auto" for what does."""
        self.tag = tag
        if not os.access(VIRTIOFSD, os.X_OK):
            raise Trouble(f"there is no {VIRTIOFSD}; contrib/install-dependencies --all installs it (package qemu-system-common)")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("")  # a free abstract name
            listening.listen(1)
            # Connected before virtiofsd starts, so that its one guest is ours and nothing has to be waited for.
            self.connection = socket.socket(socket.AF_UNIX)
            self.connection.connect(listening.getsockname())
            self.server = children.start([VIRTIOFSD, f"--fd={listening.fileno()}", "-o", f"source={directory}", "-o", f"cache={cache}",
                                          "-o", "sandbox=chroot"], keep=[listening.fileno()])

    def arguments(self):
        """QEMU's; it needs the descriptor of `connection`."""
        return ["-chardev", f"socket,id={self.tag},fd={self.connection.fileno()}",
                "-device", f"vhost-user-fs-pci,chardev={self.tag},tag={self.tag}"]
