// SPDX-License-Identifier: LGPL-2.1-or-later
// `varve vm adopt` on a real mount, with domains that libvirt's test driver reads from a file.
#include "drivers/base/unique_fd.h"
#include "tests/orchestrator/mounted.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <numeric>

namespace varve::tests {
namespace {

using nlohmann::json;

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr int exit_not_found = 4;
constexpr int exit_busy = 5;
constexpr int exit_interrupted = 130;

class Adoption : public MountedOrchestrator {
protected:
    void SetUp() override {
        MountedOrchestrator::SetUp();
        write(file("a.raw"), content_);
        qemu_img({"convert", "-O", "qcow2", file("a.raw"), file("a.qcow2")});
        // The directories that the driver keeps VMs in are there from now on.
        (void)must({"create", at("first")});
        (void)must({"rm", at("first")});
    }

    [[nodiscard]] std::string file(const std::string& name) const { return (directory_ / name).string(); }
    static void write(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }
    static std::string read(const std::filesystem::path& path) {
        std::ostringstream text;
        text << std::ifstream(path, std::ios::binary).rdbuf();
        return std::move(text).str();
    }
    void qemu_img(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "/usr/bin/qemu-img");
        ASSERT_EQ(Process(arguments, directory_ / "qemu-img").wait(), 0) << read(directory_ / "qemu-img");
    }
    [[nodiscard]] static std::string disk(const std::string& target, const std::string& source, const std::string& format) {
        return "<disk type='file'>" + (format.empty() ? "" : "<driver name='qemu' type='" + format + "'/>") + "<source file='" + source +
               "'/><target dev='" + target + "' bus='virtio'/></disk>";
    }
    // One that is shut off, or runs.
    [[nodiscard]] static std::string domain(const std::string& name, const std::string& devices, bool runs = false) {
        // Each connection reads the file anew, and would make UUIDs of its own.
        const auto sum = std::to_string(std::accumulate(name.begin(), name.end(), 1000));
        return "<domain type='test'><name>" + name + "</name><uuid>0f6ac84c-7a4f-4f0e-9c1f-6a7a0a4b" + sum +
               "</uuid><memory>1024</memory><os><type>hvm</type></os><devices>" + devices + "</devices>" +
               (runs ? "" : "<test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>5</test:runstate>") + "</domain>";
    }
    // The hypervisor that has them.
    [[nodiscard]] std::string with(const std::string& domains) {
        const auto node = file("node" + std::to_string(++nodes_) + ".xml");
        write(node, "<node>" + domains + "</node>");
        return "test://" + node;
    }
    [[nodiscard]] std::vector<std::string> command(const std::string& uri, std::vector<std::string> more) const {
        more.insert(more.begin(), {"vm", "adopt", "--uri", uri, "--pool", pool_});
        return more;
    }
    std::string adopt(const std::string& uri, std::vector<std::string> more, int* status = nullptr) const {
        return varve(command(uri, std::move(more)), status);
    }
    // The hypervisor of a file says that it has no memory.
    void start_at_default(const std::string& vm) const {
        (void)must({"vm", "set", vm, "hypervisor=test:///default"});
        EXPECT_NE(must({"vm", "start", vm}).find("started"), std::string::npos);
    }
    // It says so, and leaves nothing.
    void refuses(const std::string& uri, std::vector<std::string> more, int status, std::initializer_list<std::string> reasons) const {
        int ended = 0;
        const auto before = files();
        const auto vms = listed();
        const auto said = adopt(uri, std::move(more), &ended);
        EXPECT_EQ(ended, status) << said;
        for (const auto& reason : reasons) EXPECT_NE(said.find(reason), std::string::npos) << reason << " is not in: " << said;
        EXPECT_EQ(files(), before) << said;
        EXPECT_EQ(listed(), vms) << said;
    }
    // Everything below the pool but what it keeps for itself.
    [[nodiscard]] std::set<std::string> files() const {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(disk_of_pool()))
            names.insert(std::filesystem::relative(entry.path(), disk_of_pool()));
        return names;
    }
    [[nodiscard]] std::filesystem::path disk_of_pool() const { return MountedOrchestrator::disk / pool_; }
    [[nodiscard]] bool is_defined(const std::string& uri, const std::string& name) const {
        return connected().call("domain.info", {{"domain", name}, {"hypervisor", uri}}).has_value();
    }
    [[nodiscard]] std::vector<std::string> process_of(const std::string& uri) const {
        auto arguments = command(uri, {"--undefine", "deb"});
        arguments.insert(arguments.begin(), {VARVE, "--socket", socket().string(), "--mount", mountpoint().string()});
        return arguments;
    }
    // Begins, and is signalled as soon as it has a place to copy to.
    int signalled(const std::string& uri, int signal) const {
        Process running(process_of(uri), directory_ / "running");
        EXPECT_TRUE(eventually([&] { return directories().contains("deb"); }));
        return running.end(signal);
    }

    // Not all zeros, and neither all of one piece.
    const std::string content_ = std::string(mebibyte, 'a') + std::string(2 * mebibyte, '\0') + std::string(mebibyte, 'b');
    int nodes_ = 0;
};

TEST_F(Adoption, OfRawAndQcow2DisksThatThenStart) {
    const auto uri = with(domain("deb", disk("vda", file("a.qcow2"), "qcow2") + disk("vdb", file("a.raw"), "raw")));
    // The orchestrator keeps connections that VMs have; of a hypervisor that is a file each connection has domains of its own.
    (void)must({"vm", "create", "anchor", "class=standalone", "memory=1M", "hypervisor=" + uri});
    EXPECT_NE(varve({"vm", "start", "anchor"}).find("how much memory is free"), std::string::npos);
    const auto said = adopt(uri, {"--undefine", "deb"});
    EXPECT_NE(said.find("deb  adopted\n"), std::string::npos) << said;
    EXPECT_NE(said.find(at("deb/vda")), std::string::npos) << said;
    EXPECT_EQ(read(pool() / "deb" / "vda.img"), content_);
    EXPECT_EQ(read(pool() / "deb" / "vdb.img"), content_);
    EXPECT_EQ(read(file("a.raw")), content_);
    EXPECT_FALSE(is_defined(uri, "deb"));
    start_at_default("deb");
    EXPECT_EQ(json::parse(must({"--json", "vm", "info", "deb"}))["disks"].size(), 2U);
    (void)must({"vm", "kill", "deb"});
    refuses(uri, {"deb"}, exit_not_found, {"at the stage 'domain'", "deb"});
}

TEST_F(Adoption, ADryRunSaysAllAndDoesNothing) {
    const auto uri = with(domain("deb", disk("vda", file("a.qcow2"), "qcow2") + "<graphics type='vnc'/>"));
    const auto before = files();
    const auto plan = json::parse(adopt(uri, {"--json", "--dry-run", "--undefine", "deb"}));
    EXPECT_EQ(plan["vm"], "deb");
    EXPECT_EQ(plan["dry_run"], true);
    EXPECT_EQ(plan["undefined"], false);
    ASSERT_EQ(plan["disks"].size(), 1U);
    EXPECT_EQ(
        plan["disks"][0],
        json({{"disk", "vda"}, {"source", file("a.qcow2")}, {"format", "qcow2"}, {"size", content_.size()}, {"volume", at("deb/vda")}}));
    const auto has_graphics = [](const json& left) { return left["path"] == "/domain/devices/graphics"; };
    EXPECT_TRUE(std::any_of(plan["left_out"].begin(), plan["left_out"].end(), has_graphics)) << plan["left_out"];
    EXPECT_NE(plan["toml"].get<std::string>().find("class = \"standalone\""), std::string::npos);
    const auto said = adopt(uri, {"--dry-run", "--undefine", "deb"});
    EXPECT_NE(said.find("/domain/devices/graphics"), std::string::npos) << said;
    EXPECT_NE(said.find("deb  would be adopted"), std::string::npos) << said;
    EXPECT_EQ(files(), before);
    EXPECT_TRUE(listed().empty());
    EXPECT_TRUE(is_defined(uri, "deb"));
}

TEST_F(Adoption, BesideTheDomainOnlyUnderAnotherName) {
    const auto uri = with(domain("deb", disk("vda", file("a.raw"), "raw")) + domain("other", ""));
    refuses(uri, {"deb"}, 1, {"at the stage 'plan'", "a domain called deb is defined", "--name", "--undefine"});
    refuses(uri, {"--name", "other", "deb"}, 1, {"a domain called other is defined"});
    EXPECT_NE(adopt(uri, {"--name", "work", "deb"}).find("work  adopted"), std::string::npos);
    EXPECT_TRUE(is_defined(uri, "deb"));
    start_at_default("work");
    (void)must({"vm", "kill", "work"});
    refuses(uri, {"--name", "work", "deb"}, 1, {"there is a VM 'work' already"});
}

TEST_F(Adoption, DomainsThatCannotBeAdopted) {
    const auto uri = with(domain("runs", disk("vda", file("a.raw"), "raw"), true) + domain("deb", disk("vda", file("a.raw"), "")) +
                          domain("far",
                                 "<disk type='network'><driver type='raw'/><source protocol='rbd' name='p/i'/><target dev='vda' "
                                 "bus='virtio'/></disk>") +
                          domain("two-words", disk("vda", file("a.raw"), "raw")));
    refuses(uri, {"--undefine", "runs"}, exit_busy, {"at the stage 'domain'", "is running", "virsh shutdown runs"});
    refuses(uri, {"--undefine", "nobody"}, exit_not_found, {"at the stage 'domain'", "nobody"});
    refuses(uri, {"--undefine", "deb"}, 1, {"at the stage 'plan'", "--format vda=raw"});
    refuses(uri, {"--undefine", "far"}, 1, {"on the network (rbd)", "--skip vda"});
    refuses(uri, {"--undefine", "--skip", "vdz", "far"}, 1, {"no disk 'vdz'"});
    refuses(uri, {"--undefine", "--format", "vda=vmdk", "deb"}, 1, {"'vmdk' is no format"});
    refuses(uri, {"--undefine", "--name", "..", "deb"}, 1, {".."});
    refuses("test:///nonexistent.xml", {"deb"}, 1, {"at the stage 'domain'", "does not answer"});
    refuses("nothing", {"deb"}, 1, {"libvirt URI"});
    EXPECT_NE(adopt(uri, {"--undefine", "--format", "vda=raw", "deb"}).find("deb  adopted"), std::string::npos);
    EXPECT_NE(adopt(uri, {"--undefine", "--skip", "vda", "far"}).find("far  adopted"), std::string::npos);
}

TEST_F(Adoption, DisksThatAreNotWhatTheyAreSaidToBe) {
    qemu_img({"create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", file("backed")});
    qemu_img({"create", "-q", "-f", "qcow2", "-o", "data_file=" + file("elsewhere"), file("split"), "1M"});
    write(file("short"), std::string(1000, 'x'));
    write(file("empty"), "");
    ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);
    const std::vector<std::array<std::string, 3>> cases{{"backed", "qcow2", "backing file ('/etc/passwd')"},
                                                        {"split", "qcow2", "in another file"},
                                                        {"a.raw", "qcow2", "is not a qcow2 image"},
                                                        {"short", "raw", "multiple of 512"},
                                                        {"empty", "raw", "is empty"},
                                                        {"missing", "raw", "cannot open"},
                                                        {"pipe", "raw", "neither a plain file"},
                                                        {"state", "raw", "neither a plain file"}};
    for (const auto& [name, format, reason] : cases) {
        // The first disk is good: nothing of it stays either.
        const auto uri = with(domain("deb", disk("vda", file("a.raw"), "raw") + disk("vdb", file(name), format)));
        refuses(uri, {"--undefine", "deb"}, name == "missing" ? exit_not_found : 1, {"at the stage 'disks'", "its disk vdb", name, reason});
        EXPECT_TRUE(is_defined(uri, "deb"));
    }
    // What a guest wrote to the beginning of a raw disk is content.
    const auto raw = with(domain("deb", disk("vda", file("a.qcow2"), "raw")));
    EXPECT_NE(adopt(raw, {"--undefine", "deb"}).find("adopted"), std::string::npos);
    EXPECT_EQ(read(pool() / "deb" / "vda.img"), read(file("a.qcow2")));
}

// As QEMU says that it writes to an image: block/file-posix.c, RAW_LOCK_PERM_BASE.
TEST_F(Adoption, WhatSomebodyWritesToIsNotCopied) {
    const auto uri = with(domain("deb", disk("vda", file("a.qcow2"), "qcow2") + disk("vdb", file("a.raw"), "raw")));
    {
        const base::UniqueFd writer(::open(file("a.raw").c_str(), O_RDWR | O_CLOEXEC));
        struct flock lock {};
        lock.l_type = F_RDLCK;
        lock.l_start = 101;
        lock.l_len = 1;
        ASSERT_EQ(::fcntl(writer.get(), F_OFD_SETLK, &lock), 0);
        refuses(uri, {"--undefine", "deb"}, exit_busy, {"at the stage 'disks'", "its disk vdb", "a.raw' is open for writing"});
    }
    EXPECT_NE(adopt(uri, {"--undefine", "deb"}).find("adopted"), std::string::npos);
}

TEST_F(Adoption, ChangedWhileItIsCopiedItLeavesNothing) {
    write(file("big"), std::string(192 * mebibyte, 'x'));
    const auto uri = with(domain("deb", disk("vda", file("a.raw"), "raw") + disk("vdb", file("big"), "raw")));
    const auto before = files();
    Process running(process_of(uri), directory_ / "running");
    EXPECT_TRUE(eventually([&] { return directories().contains("deb"); }));
    {
        const base::UniqueFd writer(::open(file("a.raw").c_str(), O_RDWR | O_CLOEXEC));
        // QEMU would not have begun: somebody says that he lets nobody write.
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_start = 201;
        lock.l_len = 1;
        ASSERT_EQ(::fcntl(writer.get(), F_OFD_GETLK, &lock), 0);
        EXPECT_EQ(lock.l_type, F_RDLCK);
        ASSERT_EQ(::pwrite(writer.get(), "b", 1, 0), 1);
    }
    EXPECT_EQ(running.wait(), exit_busy);
    const auto said = read(directory_ / "running");
    EXPECT_NE(said.find("at the stage 'copy'"), std::string::npos) << said;
    EXPECT_NE(said.find("a.raw' has been changed while it was copied"), std::string::npos) << said;
    EXPECT_EQ(files(), before);
    EXPECT_TRUE(listed().empty());
    EXPECT_TRUE(is_defined(uri, "deb"));
}

TEST_F(Adoption, PoolsThatCannotTakeIt) {
    const auto uri = with(domain("deb", disk("vda", file("a.raw"), "raw") + disk("vdb", file("big"), "raw")));
    write(file("big"), std::string(64 * mebibyte, 'x'));
    int status = 0;
    const auto said = varve({"vm", "adopt", "--uri", uri, "--pool", "nowhere", "--undefine", "deb"}, &status);
    EXPECT_EQ(status, exit_not_found) << said;
    // All but a few MiB of the disk is taken.
    const auto filler = MountedOrchestrator::disk / "filler";
    const auto room = std::filesystem::space(MountedOrchestrator::disk).available;
    ASSERT_GT(room, 32 * mebibyte);
    {
        Process fill({"/usr/bin/fallocate", "-l", std::to_string(room - 16 * mebibyte), filler.string()}, directory_ / "fill");
        ASSERT_EQ(fill.wait(), 0);
    }
    refuses(uri, {"--undefine", "deb"}, 1, {"at the stage 'copy'", "pace"});
    std::filesystem::remove(filler);
    // Somebody else's volumes are not touched.
    (void)must({"create", "-p", at("deb/vdb"), "1M"});
    refuses(uri, {"--undefine", "deb"}, 1, {"at the stage 'copy'", at("deb/vdb") + " is there already", "varve rm -r " + at("deb")});
    (void)must({"rm", "-r", at("deb")});
    // Nor is what another adoption is at work on.
    (void)must({"create", at("deb")});
    {
        const base::UniqueFd other(::open((pool() / "deb").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
        refuses(uri, {"--undefine", "deb"}, exit_busy, {"at the stage 'copy'", "something else makes the volumes of " + at("deb")});
    }
    EXPECT_NE(adopt(uri, {"--undefine", "deb"}).find("adopted"), std::string::npos);
}

// The file of a definition that was left out for its mistakes is somebody's work.
TEST_F(Adoption, WhenTheDefinitionIsRefusedTheVolumesGo) {
    const auto uri = with(domain("deb", disk("vda", file("a.raw"), "raw") + disk("vdb", file("a.qcow2"), "qcow2")));
    write(file("state") + "/vms/deb.toml", "nonsense");
    refuses(uri, {"--undefine", "deb"}, 1, {"at the stage 'define'", "there is a VM 'deb' already"});
    EXPECT_FALSE(directories().contains("deb"));
    EXPECT_TRUE(is_defined(uri, "deb"));
}

TEST_F(Adoption, InterruptedItLeavesNothing) {
    write(file("big"), std::string(192 * mebibyte, 'x'));
    const auto uri = with(domain("deb", disk("vda", file("a.raw"), "raw") + disk("vdb", file("big"), "raw")));
    const auto before = files();
    EXPECT_EQ(signalled(uri, SIGINT), exit_interrupted) << read(directory_ / "running");
    EXPECT_EQ(files(), before);
    EXPECT_TRUE(listed().empty());
    EXPECT_TRUE(is_defined(uri, "deb"));
}

TEST_F(Adoption, KilledItLeavesNothingThatStartsAndTheNextOneBeginsAnew) {
    write(file("big"), std::string(192 * mebibyte, 'x'));
    const auto uri = with(domain("deb", disk("vda", file("a.raw"), "raw") + disk("vdb", file("big"), "raw")));
    ASSERT_EQ(signalled(uri, SIGKILL), -SIGKILL) << read(directory_ / "running");
    EXPECT_TRUE(listed().empty());
    EXPECT_FALSE(std::filesystem::exists(pool() / "deb" / "vda.img")) << "none has its name before all are complete";
    EXPECT_NE(adopt(uri, {"--undefine", "deb"}).find("deb  adopted"), std::string::npos);
    EXPECT_EQ(read(pool() / "deb" / "vda.img"), content_);
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(pool() / "deb")) names.insert(entry.path().filename());
    EXPECT_EQ(names, (std::set<std::string>{"vda.img", "vdb.img"})) << "what the killed one had is gone";
}

TEST_F(Adoption, IsForAdministratorsAndNeedsAMount) {
    const auto said = adopt("test:///default", {"test"});
    EXPECT_NE(said.find("is running"), std::string::npos) << said;
    int status = 0;
    std::vector<std::string> arguments{VARVE, "--socket", socket().string(), "--mount", "/nonexistent", "vm", "adopt", "test"};
    status = Process(arguments, directory_ / "unmounted").wait();
    EXPECT_EQ(status, 3) << read(directory_ / "unmounted");
}

}  // namespace
}  // namespace varve::tests
