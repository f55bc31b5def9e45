// SPDX-License-Identifier: LGPL-2.1-or-later
// pool adopt-qubes, on a pool laid out as Qubes OS leaves it.
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>

namespace varve::test_support {
namespace {

constexpr std::size_t image_size = 1 << 20;

std::string volume(const std::string& name, const std::string& vid, const std::string& flags) {
    return "<volume name=\"" + name + "\" pool=\"varlibqubes\" vid=\"" + vid + "\" " + flags + " size=\"1048576\"/>\n";
}

const std::string origin = R"(rw="True" save_on_stop="True" snap_on_start="False" revisions_to_keep="2")";
const std::string volatile_flags = R"(rw="True" save_on_stop="False" snap_on_start="False" revisions_to_keep="0")";
std::string from(const std::string& source) {
    return R"(rw="True" save_on_stop="False" snap_on_start="True" revisions_to_keep="0" source=")" + source + "\"";
}

std::string domain(const std::string& klass, const std::string& name, const std::string& volumes) {
    return "<domain class=\"" + klass + "\"><properties><property name=\"name\">" + name + "</property></properties><volume-config>\n" +
           volumes + "<volume name=\"kernel\" pool=\"linux-kernel\" vid=\"6.6.48-1.fc37\" rw=\"False\"/></volume-config></domain>\n";
}

class CliAdoptTest : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        name_ = "q-" + vm();
        directory_ = stage().backing() / name_;
        file_ = (stage().directory() / (name_ + ".xml")).string();
        put("vm-templates/debian-12/root.img", template_content_);
        put("vm-templates/debian-12/private.img", old_content_);
        put("appvms/work/private.img", private_content_);
        put("appvms/dvm/private.img", old_content_);
        write_xml(domain("TemplateVM", "debian-12",
                         volume("root", "vm-templates/debian-12/root", origin) +
                             volume("private", "vm-templates/debian-12/private", origin) +
                             volume("volatile", "vm-templates/debian-12/volatile", volatile_flags)) +
                  app_vm("work") + app_vm("dvm") +
                  domain("DispVM", "sys-usb",
                         volume("root", "appvms/sys-usb/root", from("vm-templates/debian-12/root")) +
                             volume("private", "appvms/sys-usb/private", from("appvms/dvm/private")) +
                             volume("volatile", "appvms/sys-usb/volatile", volatile_flags)) +
                  app_vm("gone"));
    }
    void TearDown() override {
        (void)varve({"discard", name_ + "/work"});
        (void)varve({"pool", "rm", name_});
        CliTest::TearDown();
    }

    static std::string app_vm(const std::string& vm) {
        const auto place = "appvms/" + vm + "/";
        return domain("AppVM", vm,
                      volume("root", place + "root", from("vm-templates/debian-12/root")) + volume("private", place + "private", origin) +
                          volume("volatile", place + "volatile", volatile_flags));
    }
    void put(const std::string& path, const std::string& content) const {
        std::filesystem::create_directories((directory_ / path).parent_path());
        std::ofstream(directory_ / path, std::ios::binary) << content;
    }
    void write_xml(const std::string& domains) const {
        std::ofstream(file_) << "<qubes>\n<pools>\n<pool name=\"varlibqubes\" driver=\"file-reflink\" dir_path=\"" + directory_.string() +
                                    "\"/>\n<pool name=\"linux-kernel\" driver=\"linux-kernel\" "
                                    "dir_path=\"/var/lib/qubes/vm-kernels\"/>\n</pools>\n<domains>\n" +
                                    domains + "</domains>\n</qubes>\n";
    }
    void add_pool() const { must_varve({"pool", "add", name_, "file-reflink", "dir_path=" + directory_.string()}); }
    [[nodiscard]] std::string in(const std::string& volume, const std::string& file) const {
        const auto slash = volume.find('/');
        return control_value(pool(name_) / volume.substr(0, slash) / ".varve" / volume.substr(slash + 1) / file);
    }
    [[nodiscard]] Words adopt() const { return {"pool", "adopt-qubes", name_, file_}; }
    // Inode and time of every record: a record is replaced when it is written.
    [[nodiscard]] std::map<std::string, std::string> records() const {
        std::map<std::string, std::string> found;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_))
            if (entry.path().filename() == ".varve.json")
                found[entry.path().string()] = std::to_string(stat_of(entry.path()).st_ino) + read_file(entry.path());
        return found;
    }
    void session_that_writes(char with) const {
        must_varve({"start", name_ + "/work"});
        for (const std::string volume : {"root", "private"}) {
            OpenFile disk(pool(name_) / "work" / ".varve" / volume / "device", O_RDWR);
            ASSERT_EQ(disk.opened(), ok);
            ASSERT_EQ(::pwrite(disk.fd(), std::string(4096, with).data(), 4096, 8192), 4096);
        }
        must_varve({"stop", name_ + "/work"});
    }

    std::string name_;
    Path directory_;
    std::string file_;
    const std::string template_content_ = pattern('t', image_size);
    const std::string private_content_ = pattern('p', image_size);
};

TEST_F(CliAdoptTest, RecordsWhatQubesKnows) {
    add_pool();
    EXPECT_EQ(in("work/private", "kind"), "origin");
    const auto dry = must_varve({"pool", "adopt-qubes", "--dry-run", name_, file_});
    EXPECT_TRUE(has(dry, "nothing was changed\n")) << dry;
    EXPECT_TRUE(records().empty());
    EXPECT_FALSE(present(pool(name_) / "work" / "root.img"));

    const auto told = must_varve(adopt());
    EXPECT_TRUE(has(told, name_ + "/work/root")) << told;
    for (const std::string vm : {"work", "dvm", "sys-usb"}) {
        EXPECT_EQ(in(vm + "/root", "kind"), "snapshot") << vm;
        EXPECT_EQ(in(vm + "/root", "source"), "../debian-12/root.img") << vm;
        EXPECT_EQ(in(vm + "/volatile", "kind"), "volatile") << vm;
        EXPECT_EQ(in(vm + "/volatile", "size"), "1048576") << vm;
    }
    EXPECT_EQ(in("sys-usb/private", "source"), "../dvm/private.img");
    EXPECT_EQ(in("work/private", "kind"), "origin");
    EXPECT_EQ(in("work/private", "revisions_to_keep"), "2");
    EXPECT_EQ(in("debian-12/root", "revisions_to_keep"), "2");
    EXPECT_FALSE(present(pool(name_) / "gone"));
    EXPECT_EQ(read_file(pool(name_) / "work" / "root.img"), template_content_) << "the link leads to the template";
    EXPECT_EQ(read_file(directory_ / "appvms" / "work" / "private.img"), private_content_);
}

TEST_F(CliAdoptTest, ASecondRunChangesNothingAlsoAfterARestart) {
    add_pool();
    must_varve(adopt());
    const auto before = records();
    EXPECT_EQ(before.size(), 4U);
    ASSERT_TRUE(daemon().restart());
    const auto again = json_of(adopt());
    EXPECT_EQ(records(), before);
    EXPECT_EQ(again.at("/qubes_pool"), "varlibqubes");
    int volumes = 0;
    for (; !again.at("/volumes/" + std::to_string(volumes) + "/volume").empty(); ++volumes) {
        const auto at = "/volumes/" + std::to_string(volumes);
        const bool skipped = again.at(at + "/qube") == "gone";
        EXPECT_EQ(again.at(at + "/action"), skipped ? "skip" : "none") << again.text;
        EXPECT_EQ(has(again.at(at + "/note"), "the pool has no VM gone"), skipped) << again.text;
    }
    EXPECT_EQ(volumes, 15);
}

TEST_F(CliAdoptTest, SessionsGoAsInQubes) {
    add_pool();
    must_varve(adopt());
    for (const char with : {'1', '2', '3', '4'}) session_that_writes(with);
    EXPECT_EQ(read_file(pool(name_) / "debian-12" / "root.img"), template_content_) << "a root is never written back";
    EXPECT_EQ(read_file(pool(name_) / "work" / "root.img"), template_content_);
    const auto kept = read_file(pool(name_) / "work" / "private.img");
    EXPECT_EQ(kept.substr(8192, 4096), std::string(4096, '4'));
    const auto revisions = json_of({"info", name_ + "/work/private"});
    EXPECT_NE(revisions.at("/revisions/1/revision"), "") << revisions.text;
    EXPECT_EQ(revisions.at("/revisions/2/revision"), "") << "two are kept, as qubes.xml says";
    EXPECT_FALSE(std::filesystem::exists(directory_ / "appvms" / "work" / "root.img")) << "no image while it is halted";
    EXPECT_FALSE(std::filesystem::exists(directory_ / "appvms" / "work" / "volatile-dirty.img"));
}

// A VM that ran when the power went: its root's base and session, its volatile image.
TEST_F(CliAdoptTest, LeftoversOfACrashAreLeftAlone) {
    for (const std::string image : {"root.img", "root-dirty.img", "volatile-dirty.img"}) put("appvms/work/" + image, template_content_);
    add_pool();
    const auto refused = varve(adopt());
    EXPECT_EQ(refused.exit_status, Exit::failed) << refused.describe();
    EXPECT_TRUE(has(refused.errors, name_ + "/work/root: it is origin and dirty here, and snapshot in qubes.xml")) << refused.errors;
    EXPECT_TRUE(has(refused.errors, name_ + "/work/volatile: it is origin and dirty here")) << refused.errors;
    EXPECT_EQ(in("work/root", "kind"), "origin");
    EXPECT_EQ(in("dvm/root", "kind"), "snapshot") << "the others are done";
    for (const std::string volume : {"root", "volatile"}) {
        must_varve({"stop", name_ + "/work/" + volume});
        must_varve({"rm", "-r", name_ + "/work/" + volume});
    }
    must_varve(adopt());
    for (const std::string image : {"root.img", "root-dirty.img", "volatile-dirty.img", "volatile.img"})
        EXPECT_FALSE(std::filesystem::exists(directory_ / "appvms" / "work" / image)) << image;
    EXPECT_EQ(in("work/root", "kind"), "snapshot");
    EXPECT_EQ(in("work/volatile", "kind"), "volatile");
}

TEST_F(CliAdoptTest, MistakesAreAllToldAndNothingIsDone) {
    add_pool();
    write_xml(app_vm("work") +
              domain("AppVM", "dvm",
                     volume("private", "appvms/../../etc/private", origin) + volume("data", "appvms/dvm/data", R"(save_on_stop="maybe")")) +
              domain("AppVM", "dvm", volume("x", "appvms/dvm/x", origin)));
    const auto second = varve(adopt());
    EXPECT_EQ(second.exit_status, Exit::failed);
    EXPECT_TRUE(has(second.errors, ":16: a second VM 'dvm'")) << second.errors;
    write_xml(app_vm("work") +
              domain("AppVM", "dvm",
                     volume("private", "appvms/../../etc/private", origin) + volume("data", "appvms/dvm/data", R"(save_on_stop="maybe")")));
    const auto refused = varve(adopt());
    EXPECT_EQ(refused.exit_status, Exit::failed);
    EXPECT_TRUE(refused.output.empty()) << refused.output;
    for (const auto* part : {":8: work/root: its source 'vm-templates/debian-12/root' is no volume of the pool 'varlibqubes'",
                             ":13: the vid 'appvms/../../etc/private'", ":14: save_on_stop is 'maybe', not True or False",
                             "has mistakes; nothing was changed"})
        EXPECT_TRUE(has(refused.errors, file_ + part) || has(refused.errors, part)) << part << "\n" << refused.errors;
    EXPECT_TRUE(records().empty());
    EXPECT_FALSE(present(pool(name_) / "work" / "volatile.img"));
}

TEST_F(CliAdoptTest, HostileAndWrongFiles) {
    add_pool();
    const auto refused = [&](const std::string& text, const char* reason) {
        std::ofstream(file_) << text;
        const auto finished = varve(adopt());
        EXPECT_EQ(finished.exit_status, Exit::failed) << finished.describe();
        EXPECT_TRUE(has(finished.errors, reason)) << reason << "\n" << finished.errors;
        EXPECT_FALSE(has_escapes(finished.errors)) << finished.errors;
    };
    refused(R"(<!DOCTYPE q [<!ENTITY a "b">]><qubes><domains/></qubes>)", "a DOCTYPE is refused");
    refused(R"(<!DOCTYPE q SYSTEM "/etc/passwd"><qubes><domains/></qubes>)", "a DOCTYPE is refused");
    refused(std::string(17 << 20, ' '), "longer than 16777216 bytes");
    refused("<qubes><pools><pool name='varlibqubes' driver='file' dir_path='" + directory_.string() +
                "'/></pools><domains><domain class='AppVM'><properties><property "
                "name='name'>\x1b[2J</property></properties><volume-config><volume name='a' "
                "pool='varlibqubes' vid='\x1b]0;x\x07'/></volume-config></domain></domains></qubes>",
            "the vid");
}

TEST_F(CliAdoptTest, ThePoolHasToBeThere) {
    add_pool();
    expect_refused_with(Exit::not_found, {"pool", "adopt-qubes", "absent", file_}, {"the pool absent does not exist"});
    expect_refused_with(Exit::not_found, {"pool", "adopt-qubes", name_, file_ + ".none"}, {".none"});
    expect_refused_with(Exit::not_found, {"pool", "adopt-qubes", "fast", file_},
                        {"none is called so", "varlibqubes, linux-kernel", "--qubes-pool"});
    expect_refused_with(Exit::not_found, {"pool", "adopt-qubes", "--qubes-pool", "vm-pool", name_, file_}, {"no pool 'vm-pool'"});
    EXPECT_EQ(json_of({"pool", "adopt-qubes", "--dry-run", "--qubes-pool", "varlibqubes", "other", file_}).at("/volumes/0/action"), "skip");
}

}  // namespace
}  // namespace varve::test_support
