# SPDX-License-Identifier: LGPL-2.1-or-later
"""VMs: their start beside `virsh create`, disposables that were kept ready beside new ones and `virsh resume`, and a list of many."""
import concurrent.futures
import json
import os
import statistics
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import hosts
import stage

START = "Starting a VM"
DISPOSABLES = "Disposables"
LIST = "Listing VMs"
RESUME = "`virsh resume`"
TEMPLATES = {"native": "cold", "varve": "kept"}  # of which nothing is kept ready, and some are
PATIENCE = 300
MEMORY = "192M"
GUEST_IS_READY = "guest ready"  # tests/libvirt/vm-init
ROOT_DATA = 64 * stage.MIB


def wait_until(what, holds):
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {PATIENCE} s")
        time.sleep(0.05)
    return found


class Vms:
    def __init__(self, setting, filesystem, host):
        self.setting = setting
        self.filesystem = filesystem
        self.host = host
        kernel, initramfs = hosts.guest(setting)
        self.queue, self.burst = setting.of((1, 3), (4, 12))
        self.boot = [f"memory={MEMORY}", f"boot.kernel={kernel}", f"boot.initramfs={initramfs}", "boot.cmdline=console=ttyS0 panic=-1 no_timer_check quiet job=deaf"]
        self.until_booted = ["readiness.signal=serial", f"readiness.line={GUEST_IS_READY}", f"readiness.deadline={PATIENCE}s"]
        host.varve("create", "-p", "fast/tpl/root", "256M")
        with open(f"{host.pool}/tpl/root.img", "r+b") as root:
            root.write(os.urandom(ROOT_DATA))
        host.varve("vm", "create", "tpl", "class=template", *self.boot, "--volume", "root=fast")

    def add(self, topic, what, side, milliseconds):
        self.setting.add(topic, self.filesystem, what, side, milliseconds, "ms")

    def make_volumes(self, vm):
        """Of all kinds that a VM has: from a template, kept, and empty at each start."""
        self.host.varve("create", "-p", f"fast/{vm}/root", "--source", "fast/tpl/root")
        self.host.varve("create", f"fast/{vm}/private", "2G")
        self.host.varve("create", f"fast/{vm}/volatile", "10G", "--kind", "volatile")

    def make_app(self, vm, *keys):
        self.make_volumes(vm)
        volumes = [word for name in ("root", "private", "volatile") for word in ("--volume", f"{name}=fast")]
        self.host.varve("vm", "create", vm, "class=app", "template=tpl", *self.boot, *keys, *volumes)

    # ---- a VM

    def description_of(self, vm, name, console=None):
        """A file with the XML that Varve made of a VM that runs, for another with volumes of its own; `console` logs what its guest says."""
        domain = ElementTree.fromstring(hosts.virsh("dumpxml", "--inactive", vm))
        domain.find("name").text = name
        for own in ("uuid", "metadata"):
            domain.remove(domain.find(own))
        for source in domain.findall("devices/disk/source"):
            source.set("file", source.get("file").replace(f"/{vm}/", f"/{name}/"))
        if console:
            ElementTree.SubElement(domain.find("devices/serial"), "log", {"file": console, "append": "off"})
        path = f"{self.host.directory}/{name}.xml"
        ElementTree.ElementTree(domain).write(path, encoding="unicode")
        return path

    def start_through_varve(self, vm):
        """Milliseconds in all, and of each stage."""
        begin = time.monotonic()
        report = self.host.varve_json("vm", "start", vm)
        took = (time.monotonic() - begin) * 1000
        return took, {stage["stage"]: stage["microseconds"] / 1000 for stage in report["stages"]}

    def start_bare(self, vm, xml):
        """Milliseconds of its volumes' start, and of `virsh create`."""
        begin = time.monotonic()
        self.host.ctl(vm, "start")
        return (time.monotonic() - begin) * 1000, hosts.milliseconds(hosts.virsh_command("create", xml))

    def stop_bare(self, vm):
        hosts.virsh("destroy", vm)
        self.host.ctl(vm, "stop")

    def measure_start(self):
        self.make_app("work")
        self.make_volumes("bare")
        self.start_through_varve("work")
        xml = self.description_of("work", "bare")
        self.host.varve("vm", "kill", "work")
        for repetition in range(self.setting.change_repetitions):
            took, stages, volumes, created = 0, {}, 0, 0
            for side in self.setting.rotated(("varve", "native"), repetition):
                if side == "varve":
                    took, stages = self.start_through_varve("work")
                    self.host.varve("vm", "kill", "work")
                else:
                    volumes, created = self.start_bare("bare", xml)
                    self.stop_bare("bare")
            self.add(START, "volumes and domain", "native", volumes + created)
            self.add(START, "volumes and domain", "varve", took)
            self.add(START, "over `virsh create` and the volumes' own start", "varve", took - volumes - created)
            self.add(START, "of it: volumes", "native", volumes)
            for name, of_it in stages.items():
                if name != "needs":  # it needs no other VM
                    self.add(START, f"of it: {name}", "varve", of_it)

    # ---- disposables

    def queue_is_full(self):
        def full():
            status = self.host.varve_json("preload", "status")
            return sum(one["phase"] == "ready" for each in status["templates"] for one in each["preloads"]) == self.queue
        wait_until("the queue is full", full)

    def disposable(self, template):
        """(name, milliseconds until it was ready)."""
        command = self.host.varve_command("disp", "run", "--template", template)
        begin = time.monotonic()
        name = hosts.output(command).strip()
        return name, (time.monotonic() - begin) * 1000

    def rest(self, names):
        """They go, what was taken of the queue comes again, and nothing is under way any more."""
        for name in names:
            self.host.varve("vm", "kill", name)
        wait_until("disposables go", lambda: not set(names) & {vm["vm"] for vm in self.host.varve_json("vm", "ls", "--all")["vms"]})
        self.queue_is_full()

    def booted_and_paused(self):
        """A guest of virsh's own, as ready as those of the queue."""
        console = f"{self.host.directory}/console"
        self.start_through_varve("work")
        xml = self.description_of("work", "paused", console)
        self.host.varve("vm", "kill", "work")
        self.make_volumes("paused")
        self.start_bare("paused", xml)

        def booted():
            with open(console, encoding="utf-8", errors="replace") as log:
                return GUEST_IS_READY in log.read()
        wait_until("a guest boots", booted)
        hosts.virsh("suspend", "paused")

    def measure_disposables(self):
        self.make_app("kept", "template_for_dispvms=true", f"preload-dispvm-max={self.queue}", *self.until_booted)
        self.make_app("cold", "template_for_dispvms=true", *self.until_booted)
        self.booted_and_paused()
        self.host.varve("preload", "begin")
        self.queue_is_full()
        for repetition in range(self.setting.repetitions):
            for side in self.setting.rotated(("native", "varve", RESUME), repetition):
                self.measure_one(side)
        self.stop_bare("paused")
        for repetition in range(self.setting.of(1, min(3, self.setting.repetitions))):
            for side in self.setting.rotated(TEMPLATES, repetition):
                self.measure_burst(side)

    def measure_one(self, side):
        what = "one disposable, until it is ready"
        if side == RESUME:
            self.add(DISPOSABLES, what, side, hosts.milliseconds(hosts.virsh_command("resume", "paused")))
            hosts.virsh("suspend", "paused")
            return
        name, took = self.disposable(TEMPLATES[side])
        self.add(DISPOSABLES, what, side, took)
        self.rest([name])

    def measure_burst(self, side):
        with concurrent.futures.ThreadPoolExecutor(self.burst) as together:
            made = list(together.map(self.disposable, [TEMPLATES[side]] * self.burst))
        times = [took for _, took in made]
        what = f"{self.burst} at once, {self.queue} of them kept ready: "
        self.add(DISPOSABLES, what + "until all are ready", side, max(times))
        self.add(DISPOSABLES, what + "the median one", side, statistics.median(times))
        self.rest([name for name, _ in made])

    # ---- a list

    def measure_list(self):
        count = self.setting.of(10, 100)
        self.host.varve("preload", "suspend")  # what is kept ready runs, and virsh lists it
        known = len(self.host.varve_json("vm", "ls")["vms"])
        for number in range(count - known):
            self.host.varve("vm", "create", f"listed{number}", "class=app", "template=tpl", *self.boot)
        for number in range(count):
            path = f"{self.host.directory}/listed.xml"
            hosts.write(path, f"<domain type='qemu'><name>other{number}</name><memory unit='MiB'>192</memory><os><type>hvm</type></os></domain>")
            hosts.virsh("define", path)
        commands = {"native": hosts.virsh_command("list", "--all", "--name"), "varve": self.host.varve_command("--json", "vm", "ls")}
        listed = {"native": lambda text: len(text.split()), "varve": lambda text: len(json.loads(text)["vms"])}
        for repetition in range(self.setting.change_repetitions):
            for side in self.setting.rotated(commands, repetition):
                begin = time.monotonic()
                text = hosts.output(commands[side])
                self.add(LIST, f"{count} definitions", side, (time.monotonic() - begin) * 1000)
                if listed[side](text) != count:
                    raise RuntimeError(f"{listed[side](text)} VMs are listed, not {count}")


def run(setting):
    if missing := hosts.missing():
        setting.skip("VMs", f"{', '.join(missing)} is not installed; contrib/install-dependencies --all installs it")
        return
    filesystem = setting.filesystems[0]
    with stage.loop_filesystem(filesystem, setting.where) as disk, tempfile.TemporaryDirectory(prefix="varve-benchmark-") as directory:
        with hosts.host(setting, directory, f"{disk}/pool") as host:
            vms = Vms(setting, filesystem, host)
            vms.measure_start()
            vms.measure_disposables()
            vms.measure_list()
