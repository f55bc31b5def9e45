# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user runs instead of a driver: the same steps by losetup, dmsetup and files, and by LVM's commands. Inside the guest."""
import subprocess

MIB = 1 << 20
SIZE = 256 * MIB  # block_benchmark.cpp has the same


def shell(text):
    subprocess.run(["bash", "-ec", text], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def fill_megabyte(device, number):
    """The place that is written is another one each time, so that each commit has something to keep."""
    shell(f"dd if=/dev/urandom of={device} bs=1M seek={number} count=1 conv=fsync,notrunc 2>/dev/null")


class FileScript:
    """As Qubes' block-snapshot, create-snapshot and qvm-template-commit, with no command more than the steps need."""

    PLACE, CHUNK, COW = "/run/bench/script", 256, SIZE + 8 * MIB
    DETACH = 'for file in %s; do losetup --detach "$(losetup --noheadings --output NAME --associated $file)"; done'

    def __init__(self):
        shell(f"""mkfs.ext4 -q -E nodiscard /dev/vda; mkdir -p /run/bench; mount /dev/vda /run/bench; mkdir /run/bench/pool {self.PLACE}
            cd {self.PLACE}; truncate -s {SIZE} root.img; truncate -s {self.COW} root-cow.img""")
        self.parameters = ["dir_path=/run/bench/pool"]
        self.writes = 0

    def _run(self, text):
        shell(f"cd {self.PLACE}\n{text}")

    def _load_state(self):
        return f"""image=$(losetup --find --show root.img); cow=$(losetup --find --show root-cow.img); size=$(blockdev --getsz "$image")
            dmsetup create script-state --table "0 $size snapshot $image $cow P {self.CHUNK}" """

    def start_origin(self):
        self._run(f"""{self._load_state()}
            dmsetup create script-origin --table "0 $size snapshot-origin $image" """)

    def write(self):
        fill_megabyte("/dev/mapper/script-origin", self.writes)
        self.writes += 1

    def stop_origin(self):
        self._run(f"""dmsetup remove script-origin; dmsetup remove script-state
            {self.DETACH % "root.img root-cow.img"}
            sync root.img root-cow.img; mv root-cow.img root-cow.img.old; truncate -s {self.COW} root-cow.img; sync .""")

    def start_app(self):
        self._run(f"""truncate -s {self.COW} app-cow.img
            {self._load_state()}
            own=$(losetup --find --show app-cow.img)
            dmsetup create script-app --table "0 $size snapshot /dev/mapper/script-state $own P {self.CHUNK}" """)

    def stop_app(self):
        self._run(f"""dmsetup remove script-app; dmsetup remove script-state
            {self.DETACH % "root.img root-cow.img app-cow.img"}
            rm app-cow.img""")

    def revert(self):
        """To what the old COW file keeps; the present state stays."""
        self._run(f"""{self._load_state()}
            old=$(losetup --find --show root-cow.img.old)
            dmsetup create script-view --readonly --table "0 $size snapshot /dev/mapper/script-state $old P {self.CHUNK}"
            dd if=/dev/mapper/script-view of=root.img.new bs=1M conv=sparse 2>/dev/null; truncate -s {SIZE} root.img.new; sync root.img.new
            dmsetup remove script-view; dmsetup remove script-state
            {self.DETACH % "root.img root-cow.img root-cow.img.old"}
            mv root.img root.img.before; mv root.img.new root.img; rm root-cow.img root-cow.img.old; truncate -s {self.COW} root-cow.img; sync .""")

    def snapshot(self):
        self._run("cp --sparse=always root.img kept.new; sync kept.new; mv kept.new root.img.kept; sync .")

    def forget(self):
        self._run("rm root.img.kept")

    def clear(self):
        self._run("rm root.img.before")


class LvmScript:
    """As Qubes' lvm_thin does it, which also discards before it removes, but without its `lvs` after each command."""

    REMOVE = "blkdiscard -p 1G /dev/bench/{0}; lvremove -qq -f bench/{0}"

    def __init__(self):
        shell(f"""pvcreate -qq /dev/vda; vgcreate -qq bench /dev/vda
            lvcreate -qq --type thin-pool --size 3G --poolmetadatasize 64M --name pool bench
            lvcreate -qq --thinpool bench/pool --virtualsize {SIZE}b --name script-root""")
        self.parameters = ["volume_group=bench", "thin_pool=pool"]
        self.writes = self.backs = 0

    def _keep_as_back(self):
        self.backs += 1
        return f"lvrename -qq bench script-root script-root-{self.backs}-back"

    def start_origin(self):
        shell("lvcreate -qq -kn -ay --snapshot --name script-root-snap bench/script-root")

    def write(self):
        fill_megabyte("/dev/bench/script-root-snap", self.writes)
        self.writes += 1

    def stop_origin(self):
        """With one revision to keep: the one before goes."""
        remove = self.REMOVE.format(f"script-root-{self.backs}-back") if self.backs else ""
        shell(f"""{self._keep_as_back()}
            lvrename -qq bench script-root-snap script-root
            {remove}""")

    def start_app(self):
        shell("lvcreate -qq -kn -ay --snapshot --name script-app-snap bench/script-root")

    def stop_app(self):
        shell(self.REMOVE.format("script-app-snap"))

    def revert(self):
        """The revision becomes the present state, which stays as a revision, as the driver does it."""
        shell(f"""lvrename -qq bench script-root-{self.backs}-back script-root-reverted
            {self._keep_as_back()}
            lvrename -qq bench script-root-reverted script-root""")

    def snapshot(self):
        shell("lvcreate -qq -kn --snapshot --name script-root-kept bench/script-root")

    def forget(self):
        shell(self.REMOVE.format("script-root-kept"))


SCRIPTS = {"file": FileScript, "lvm_thin": LvmScript}
