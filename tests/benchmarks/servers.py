# SPDX-License-Identifier: LGPL-2.1-or-later
"""What shows a file through FUSE: varvefs, and what a user would take instead. Each ends with this process, however that ends."""
import os
import shutil
import subprocess
import time

ENDS_WITH_US = ["setpriv", "--pdeathsig", "KILL"]


class Server:
    """A process in the foreground that mounts something; used as a context."""

    def __init__(self, name, command, mountpoint, log):
        self.name = name
        self.mountpoint = mountpoint
        self._command = ENDS_WITH_US + command
        self._log = log
        self._process = None

    def start(self):
        """Seconds until it was mounted."""
        begin = time.monotonic()
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not os.path.ismount(self.mountpoint):
            if self._process.poll() is not None or time.monotonic() > begin + 20:
                raise RuntimeError(f"{self.name} did not mount: {self.log_tail()}")
            time.sleep(0.002)
        return time.monotonic() - begin

    def stop(self):
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"{self.name} did not end: {self.log_tail()}") from None
        finally:
            self._process = None
            subprocess.run(["umount", "--lazy", self.mountpoint], check=False, stderr=subprocess.DEVNULL)

    def log_tail(self):
        with open(self._log, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def _proc(self, name):
        with open(f"/proc/{self._process.pid}/{name}", encoding="ascii") as file:
            return file.read()

    def resident_bytes(self):
        return next(int(line.split()[1]) for line in self._proc("status").splitlines() if line.startswith("VmRSS:")) * 1024

    def cpu_seconds(self):
        user, system = self._proc("stat").rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Varve(Server):
    """varvefs, mounted with one pool `fast`."""

    def __init__(self, program, directory, pool_directory, passthrough=True):
        os.makedirs(os.path.join(directory, "varve"))
        os.mkdir(os.path.join(directory, "state"))
        config = os.path.join(directory, "varve.toml")
        mountpoint = os.path.join(directory, "varve")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'mountpoint = "{mountpoint}"\nstate_dir = "{directory}/state"\nmin_free = "0%"\npassthrough = {str(passthrough).lower()}\n\n'
                       f'[[pool]]\nname = "fast"\ndriver = "file-reflink"\ndir_path = "{pool_directory}"\nrevisions_to_keep = 1000000\n')
        super().__init__("varvefs", [program, "--foreground", "--config", config], mountpoint, os.path.join(directory, "log"))
        self.pool = os.path.join(mountpoint, "pools", "fast")

    def passthrough(self):
        """What it says about it, as "passthrough on"."""
        with open(os.path.join(self.mountpoint, ".varve", "version"), encoding="utf-8") as file:
            return file.read().splitlines()[1]


def bindfs(directory, shown):
    """None when it is not installed."""
    if not shutil.which("bindfs"):
        return None
    mountpoint = os.path.join(directory, "bindfs")
    os.mkdir(mountpoint)
    return Server("bindfs", ["bindfs", "-f", shown, mountpoint], mountpoint, os.path.join(directory, "bindfs.log"))


def qemu(directory, image):
    """One image, as a mounted file. None when it is not installed."""
    if not shutil.which("qemu-storage-daemon"):
        return None
    mountpoint = os.path.join(directory, "qemu.img")
    with open(mountpoint, "xb"):
        pass
    command = ["qemu-storage-daemon", "--blockdev", f"driver=file,node-name=image,filename={image}",
               "--export", f"type=fuse,id=export,node-name=image,mountpoint={mountpoint},writable=on"]
    return Server("qemu-storage-daemon", command, mountpoint, os.path.join(directory, "qemu.log"))
