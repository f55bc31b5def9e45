# SPDX-License-Identifier: LGPL-2.1-or-later
"""What reading costs the server: processor time for a large image read five times."""
import sides
import stage


def read_all(path):
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(stage.MIB)
        while file.readinto(buffer):
            pass


def run(setting):
    filesystem = setting.filesystems[0]
    megabytes = setting.of(128, 2048)
    with stage.loop_filesystem(filesystem, setting.where) as disk:
        stage.write_image(f"{disk}/content", megabytes << 20)
        with sides.all_sides(setting, disk, f"{disk}/content") as found:
            for name, side in found.items():
                if side.server is None:
                    continue
                stage.forget(side.path, side.backing)
                before = side.server.cpu_seconds()
                for _ in range(5):
                    read_all(side.path)
                setting.add("Processor time of the server", filesystem, f"reading {5 * megabytes / 1024:g} GiB", name, side.server.cpu_seconds() - before, "s")
