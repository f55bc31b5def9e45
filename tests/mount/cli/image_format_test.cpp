// SPDX-License-Identifier: LGPL-2.1-or-later
// import and export of qcow2 and other formats, which qemu-img reads and writes.
#include "tests/mount/cli/cli_test.h"
#include "tests/support/own_disk.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace varve::test_support {
namespace {

constexpr std::size_t one_mebibyte = std::size_t{1} << 20;

class CliImageFormatTest : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        ASSERT_EQ(make_directory(outside()), ok);
        ASSERT_EQ(write_file(file("disk.raw"), content_), ok);
    }

    [[nodiscard]] Path outside() const { return stage().directory() / (vm() + "-formats"); }
    [[nodiscard]] std::string file(const std::string& name) const { return (outside() / name).string(); }
    [[nodiscard]] std::string volume(const std::string& name) const { return vm_name() + "/" + name; }
    [[nodiscard]] Names stored() const { return list_directory(backing(vm())); }
    [[nodiscard]] Finished shell(const std::string& line, const std::string& argument) const {
        return varve_in_shell(outside(), line, argument);
    }
    void qemu_img(Words arguments) const {
        Program program;
        arguments.insert(arguments.begin(), "qemu-img");
        program.arguments = std::move(arguments);
        program.directory = outside();
        const auto finished = run_program(program);
        ASSERT_TRUE(finished && finished->succeeded()) << (finished ? finished->describe() : finished.error().message());
    }
    void convert(const std::string& format, const std::string& to) const {
        qemu_img({"convert", "-O", format, file("disk.raw"), file(to)});
    }

    const std::string content_ = pattern('q', 3 * one_mebibyte) + std::string(2 * one_mebibyte, '\0') + pattern('r', one_mebibyte);
};

TEST_F(CliImageFormatTest, ImportedFromEachFormat) {
    for (const std::string format : {"qcow2", "vdi", "vhdx", "vpc"}) {
        SCOPED_TRACE(format);
        ASSERT_NO_FATAL_FAILURE(convert(format, "disk." + format));
        must_varve({"import", "--format", format, file("disk." + format), volume(format)});
        const auto stored = read_file(at(format + ".img"));
        EXPECT_TRUE(stored.starts_with(content_) && stored.size() < content_.size() + one_mebibyte) << "vpc rounds up to whole cylinders";
        EXPECT_LT(stat_of(at(format + ".img")).st_blocks * 512, static_cast<off_t>(5 * one_mebibyte)) << "zeros are holes";
    }
    const auto again = json_of({"import", "--force", "--format=qcow2", "--size", "6M", file("disk.qcow2"), data_name()});
    EXPECT_EQ(again.at("/size"), std::to_string(content_.size())) << again.text;
    EXPECT_EQ(read_file(data()), content_);
    EXPECT_EQ(read_file(data_old()), old_content_) << "the state before is a revision";
}

TEST_F(CliImageFormatTest, ExportedAsQcow2AndBack) {
    must_varve({"import", file("disk.raw"), volume("disk")});
    EXPECT_EQ(must_varve({"export", "--format", "qcow2", volume("disk"), file("plain.qcow2")}), file("plain.qcow2") + "  6.0 MiB\n");
    must_varve({"export", "--format", "qcow2", "--compress", volume("disk"), file("small.qcow2")});
    EXPECT_LT(stat_of(file("small.qcow2")).st_size, stat_of(file("plain.qcow2")).st_size);
    for (const auto* name : {"plain.qcow2", "small.qcow2"}) {
        EXPECT_EQ(stat_of(file(name)).st_mode & 07777U, 0600U);
        qemu_img({"check", "-f", "qcow2", file(name)});
        must_varve({"import", "--force", "--format", "qcow2", file(name), volume("back")});
        EXPECT_EQ(read_file(at("back.img")), content_) << name;
    }
    expect_refused_with(Exit::failed, {"export", "--format", "qcow2", volume("disk"), file("plain.qcow2")}, {"exists already", "--force"});
    must_varve({"export", "-f", "--format", "qcow2", data_name(), file("plain.qcow2")});
    must_varve({"import", "-f", "--format", "qcow2", file("plain.qcow2"), volume("back")});
    EXPECT_EQ(read_file(at("back.img")), old_content_);
    EXPECT_EQ(list_directory(outside()), (Names{"disk.raw", "plain.qcow2", "small.qcow2"}));
}

// What such an image names is any file of this machine.
TEST_F(CliImageFormatTest, HostileImagesAreRefusedBeforeAnythingIsWritten) {
    ASSERT_NO_FATAL_FAILURE(qemu_img({"create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", file("backed")}));
    ASSERT_NO_FATAL_FAILURE(qemu_img({"create", "-q", "-f", "qcow2", "-o", "data_file=" + file("elsewhere"), file("split"), "1M"}));
    ASSERT_NO_FATAL_FAILURE(qemu_img({"create", "-q", "-f", "qcow2", "--object", "secret,id=s,data=abc", "-o",
                                      "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", file("secret"), "1M"}));
    const auto refuse = [&](const std::string& name, std::initializer_list<std::string_view> reason) {
        expect_refused_with(Exit::failed, {"import", "--format", "qcow2", file(name), volume("x")}, reason);
        expect_refused_with(Exit::failed, {"import", "-f", "--format", "qcow2", file(name), data_name()}, reason);
    };
    refuse("backed", {"backing file ('/etc/passwd')", "not followed"});
    refuse("split", {"in another file", "not followed"});
    refuse("secret", {"is encrypted"});
    refuse("disk.raw", {"is not a qcow2 image"});
    // A backing file's name that only the program would find.
    ASSERT_NO_FATAL_FAILURE(convert("qcow2", "torn"));
    ASSERT_EQ(::truncate(file("torn").c_str(), 100), 0);
    refuse("torn", {"ends inside the header"});
    ASSERT_NO_FATAL_FAILURE(convert("qcow2", "broken"));
    OpenFile broken(file("broken"), O_WRONLY);
    ASSERT_EQ(broken.write_at(40, std::string(8, '\x7f')), ok);  // where its tables are
    ASSERT_EQ(broken.close(), ok);
    refuse("broken", {"cannot read", "qemu-img: "});
    ASSERT_NO_FATAL_FAILURE(convert("qcow2", "short"));
    ASSERT_EQ(::truncate(file("short").c_str(), 2 * one_mebibyte), 0);
    refuse("short", {"is damaged, or its end is missing"});
}

TEST_F(CliImageFormatTest, WhatContradictsItselfIsRefused) {
    ASSERT_NO_FATAL_FAILURE(convert("qcow2", "disk.qcow2"));
    const auto x = volume("x");
    expect_refused_with(Exit::usage, {"import", "--format", "vmdk", file("disk.raw"), x}, {"'vmdk' is no format", "qcow2"});
    expect_refused_with(Exit::usage, {"import", "--format", "qcow2", "--raw", file("disk.raw"), x}, {"one of the two"});
    expect_refused_with(Exit::usage, {"import", "--spool", "/tmp", "-", x}, {"--spool is for", "raw one needs no spool"});
    expect_refused_with(Exit::usage, {"export", "--format", "vdi", data_name(), file("x")}, {"as raw or qcow2"});
    expect_refused_with(Exit::usage, {"export", "--spool", "/tmp", data_name(), "-"}, {"--spool is for --format qcow2"});
    expect_refused_with(Exit::usage, {"export", "--format", "qcow2", "--spool", "/tmp", data_name(), file("x")}, {"nothing else needs"});
    expect_refused_with(Exit::usage, {"export", "--format", "qcow2", "--sparse", data_name(), file("x")}, {"zeros take no room"});
    expect_refused_with(Exit::usage, {"export", "--compress", data_name(), file("x")}, {"--compress is for --format qcow2"});
    expect_refused_with(Exit::failed, {"import", "--format", "qcow2", "--size", "5M", file("disk.qcow2"), x},
                        {"not the 5242880 bytes of --size"});
    expect_refused_with(Exit::failed, {"import", "--format", "qcow2", "/dev/null", x}, {"is not a plain file"});
    expect_refused_with(Exit::failed, {"import", "--format", "vdi", file("disk.qcow2"), x}, {"cannot read", "qemu-img: "});
    expect_refused_with(Exit::failed, {"import", file("disk.qcow2"), x}, {"--format qcow2", "--raw"});
    EXPECT_EQ(list_directory(outside()), (Names{"disk.qcow2", "disk.raw"}));
}

TEST_F(CliImageFormatTest, ThroughPipes) {
    ASSERT_NO_FATAL_FAILURE(convert("qcow2", "disk.qcow2"));
    ASSERT_EQ(make_directory(file("spool")), ok);
    for (const std::string option : {"--spool spool", ""}) {
        const auto in = shell("cat disk.qcow2 | \"$0\" import -f --format qcow2 " + option + " - \"$1\"", volume("in"));
        EXPECT_EQ(in.exit_status, 0) << in.describe();
        EXPECT_EQ(in.errors, "");
        EXPECT_EQ(read_file(at("in.img")), content_);
    }
    const auto redirected = shell("\"$0\" import --format qcow2 --spool absent - \"$1\" < disk.qcow2", volume("redirected"));
    EXPECT_EQ(redirected.exit_status, 0) << "a file needs no spool: " << redirected.describe();
    const auto out = shell("\"$0\" --json export --format qcow2 -c --spool spool \"$1\" - | cat > out.qcow2", volume("in"));
    EXPECT_EQ(out.exit_status, 0) << out.describe();
    qemu_img({"check", "-f", "qcow2", file("out.qcow2")});
    const auto around = shell("\"$0\" export --format qcow2 \"$1\" - | \"$0\" import --format qcow2 --size 6M - \"$1\"copy", volume("in"));
    EXPECT_EQ(around.exit_status, 0) << around.describe();
    EXPECT_EQ(read_file(at("incopy.img")), content_);
    must_varve({"import", "--format", "qcow2", file("out.qcow2"), volume("out")});
    EXPECT_EQ(read_file(at("out.img")), content_);
    EXPECT_EQ(list_directory(file("spool")), Names{});
}

// Being a pipe makes nothing less hostile, and nothing guessed.
TEST_F(CliImageFormatTest, PipesThatAreRefused) {
    ASSERT_NO_FATAL_FAILURE(qemu_img({"create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", file("backed")}));
    ASSERT_NO_FATAL_FAILURE(convert("qcow2", "disk.qcow2"));
    ASSERT_NO_FATAL_FAILURE(convert("vdi", "disk.vdi"));
    const auto before = stored();
    const auto refuse = [&](const std::string& line, std::string_view reason) {
        const auto refused = shell(line, volume("x"));
        EXPECT_EQ(refused.exit_status, Exit::failed) << refused.describe();
        EXPECT_TRUE(has(refused.errors, reason)) << line << ": " << refused.errors;
        EXPECT_EQ(names(), Names{"data.img"});
        EXPECT_TRUE(eventually([&] { return stored() == before; }));
    };
    refuse("cat backed | \"$0\" import --format qcow2 - \"$1\"", "backing file");
    refuse("cat disk.qcow2 | \"$0\" import - \"$1\"", "--format qcow2");
    refuse("cat disk.raw | \"$0\" import --format qcow2 - \"$1\"", "is not a qcow2 image");
    refuse("head -c 100 disk.qcow2 | \"$0\" import --format qcow2 - \"$1\"", "standard input");
    refuse("head -c 300000 disk.qcow2 | \"$0\" import --format qcow2 - \"$1\"", "its end is missing");
    refuse("head -c -100000 disk.qcow2 | \"$0\" import --format qcow2 - \"$1\"", "its end is missing");
    refuse("cat disk.vdi | \"$0\" import --format vdi - \"$1\"", "only raw and qcow2 images come from a pipe");
    const auto absent = shell("cat disk.qcow2 | \"$0\" import --format qcow2 --spool absent - \"$1\"", volume("x"));
    EXPECT_EQ(absent.exit_status, Exit::not_found) << absent.describe();
    EXPECT_TRUE(has(absent.errors, "spool directory")) << absent.errors;
    EXPECT_EQ(list_directory(outside()), (Names{"backed", "disk.qcow2", "disk.raw", "disk.vdi"}));
}

TEST_F(CliImageFormatTest, ASpoolWithoutRoomSaysWhatToDo) {
    ASSERT_NO_FATAL_FAILURE(convert("qcow2", "disk.qcow2"));
    must_varve({"import", file("disk.raw"), volume("disk")});
    OwnDisk disk(stage(), vm());
    ASSERT_NO_FATAL_FAILURE(disk.fill(3 * one_mebibyte));
    const auto before = stored();
    const auto spool = disk.filesystem().path().string();
    const auto free = std::filesystem::space(spool).available;
    const auto in = shell("cat disk.qcow2 | \"$0\" import -f --format qcow2 --spool " + spool + " - \"$1\"", data_name());
    const auto out = shell("\"$0\" export --format qcow2 --spool " + spool + " \"$1\" -", volume("disk"));
    for (const auto& refused : {in, out}) {
        EXPECT_EQ(refused.exit_status, Exit::failed) << refused.describe();
        EXPECT_TRUE(has(refused.errors, "there is no room for") && has(refused.errors, "--spool DIR")) << refused.errors;
        EXPECT_EQ(refused.output, "");
    }
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_TRUE(eventually([&] { return stored() == before; }));
    EXPECT_TRUE(eventually([&] { return std::filesystem::space(spool).available + one_mebibyte / 2 > free; }))
        << "the spool's space is back";
}

TEST_F(CliImageFormatTest, WithoutQemuImgThePackageIsNamed) {
    ASSERT_NO_FATAL_FAILURE(convert("qcow2", "disk.qcow2"));
    for (const auto& arguments : {Words{"import", "--format", "qcow2", file("disk.qcow2"), volume("x")},
                                  Words{"export", "--format", "qcow2", data_name(), file("new.qcow2")}}) {
        auto words = arguments;
        words.insert(words.begin(), {"--mount", mount().string()});
        const auto refused = varve_with({"PATH", outside().string()}, words);
        EXPECT_EQ(refused.exit_status, Exit::failed);
        EXPECT_TRUE(has(refused.errors, "qemu-img is not installed") && has(refused.errors, "qemu-utils")) << refused.errors;
    }
    EXPECT_EQ(list_directory(outside()), (Names{"disk.qcow2", "disk.raw"}));
    EXPECT_EQ(names(), Names{"data.img"});
}

TEST_F(CliImageFormatTest, AnInterruptedOrKilledConversionChangesNothing) {
    {
        OpenFile many(file("many.raw"), O_CREAT | O_WRONLY);
        constexpr off_t size = off_t{1} << 30;
        ASSERT_EQ(many.truncate(size), ok);
        for (off_t place = 0; place < size; place += 128 << 10) ASSERT_EQ(many.write_at(place, "x"), ok);
        ASSERT_EQ(many.close(), ok);
    }
    ASSERT_NO_FATAL_FAILURE(qemu_img({"convert", "-O", "qcow2", file("many.raw"), file("many.qcow2")}));
    const auto before = stored();
    const Words import{"import", "--force", "--format", "qcow2", file("many.qcow2"), data_name()};
    const auto expect_unchanged = [&] {
        EXPECT_EQ(names(), Names{"data.img"});
        EXPECT_EQ(read_file(data()), old_content_);
    };
    for (const int signal : {SIGINT, SIGHUP}) {
        EXPECT_EQ(interrupt(import, signal, [&] { return stored() != before; }), Exit::interrupted);
        expect_unchanged();
        EXPECT_TRUE(eventually([&] { return stored() == before; }));
    }
    Words line = import;
    line.insert(line.begin(), {VARVE_BINARY, "--mount", mount().string()});
    std::vector<char*> pointers;
    pointers.reserve(line.size() + 1);
    for (auto& word : line) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    Child child([&] {
        ::execv(VARVE_BINARY, pointers.data());
        return 127;
    });
    ASSERT_TRUE(eventually([&] { return stored() != before; }));
    child.kill(SIGKILL);
    (void)child.wait();
    // varvefs sweeps what a killed program leaves when it is old.
    for (const auto& name : names())
        if (name.starts_with(".varve-copy-")) {
            EXPECT_EQ(remove_file(at(name)), ok);
        }
    expect_unchanged();
}

}  // namespace
}  // namespace varve::test_support
