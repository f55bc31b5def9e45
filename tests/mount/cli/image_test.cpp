// SPDX-License-Identifier: LGPL-2.1-or-later
// import and export: images from outside and back.
#include "tests/mount/cli/cli_test.h"
#include "tests/support/own_disk.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>

namespace varve::test_support {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

class CliImageTest : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        ASSERT_EQ(make_directory(outside()), ok);
    }

    [[nodiscard]] Path outside() const { return stage().directory() / (vm() + "-outside"); }
    [[nodiscard]] std::string file(const std::string& name) const { return (outside() / name).string(); }
    [[nodiscard]] Names files() const { return list_directory(outside()); }
    [[nodiscard]] std::string volume(const std::string& name) const { return vm_name() + "/" + name; }

    // A file of this size with these bytes at these places and holes elsewhere.
    void make_holed(const std::string& name, off_t size, const std::vector<std::pair<off_t, std::string>>& data) const {
        OpenFile made(file(name), O_CREAT | O_WRONLY);
        ASSERT_EQ(made.opened(), ok);
        ASSERT_EQ(made.truncate(size), ok);
        for (const auto& [place, bytes] : data) ASSERT_EQ(made.write_at(place, bytes), ok);
        ASSERT_EQ(made.close(), ok);
    }

    [[nodiscard]] Finished shell(const std::string& line, const std::string& argument) const {
        return varve_in_shell(outside(), line, argument);
    }

    // What the pool's driver keeps of the VM: also scratch files.
    [[nodiscard]] Names stored() const { return list_directory(backing(vm())); }
};

TEST_F(CliImageTest, AFileBecomesAVolumeAndAFileAgain) {
    const auto content = pattern('i', 3 * mebibyte + 512);
    ASSERT_EQ(write_file(file("disk.raw"), content), ok);
    EXPECT_EQ(must_varve({"import", file("disk.raw"), volume("new")}), volume("new") + "  3.0 MiB\n");
    EXPECT_EQ(read_file(at("new.img")), content);
    EXPECT_EQ(value("new", "kind"), "origin");
    EXPECT_EQ(value("new", "size"), std::to_string(content.size()));
    const auto exported = json_of({"export", volume("new"), file("back.raw")});
    EXPECT_EQ(exported.at("/source"), volume("new")) << exported.text;
    EXPECT_EQ(exported.at("/destination"), file("back.raw"));
    EXPECT_EQ(exported.at("/size"), std::to_string(content.size()));
    EXPECT_EQ(read_file(file("back.raw")), content);
    EXPECT_EQ(stat_of(file("back.raw")).st_mode & 07777U, 0600U);
    EXPECT_EQ(must_varve({"-q", "export", data_name(), at("there.img").string()}), "") << "where no file is without a name";
    EXPECT_EQ(read_file(at("there.img")), old_content_);
    ASSERT_EQ(remove_file(at("there.img")), ok);
    EXPECT_EQ(files(), (Names{"back.raw", "disk.raw"}));
    EXPECT_EQ(names(), (Names{"data.img", "new.img"}));
}

TEST_F(CliImageTest, ThroughPipes) {
    const auto content = pattern('p', 2 * mebibyte + 1024);
    ASSERT_EQ(write_file(file("disk.raw"), content), ok);
    const auto in = shell("cat disk.raw | \"$0\" import - \"$1\"", volume("new"));
    EXPECT_EQ(in.exit_status, 0) << in.describe();
    EXPECT_EQ(in.errors, "");
    EXPECT_EQ(read_file(at("new.img")), content);
    const auto out = shell("\"$0\" --json export \"$1\" - | cat > back.raw", volume("new"));
    EXPECT_EQ(out.exit_status, 0) << out.describe();
    EXPECT_EQ(read_file(file("back.raw")), content) << "nothing but the image";
    const auto around = shell("\"$0\" export \"$1\" - | \"$0\" import --size 2049K - \"$1\"copy", volume("new"));
    EXPECT_EQ(around.exit_status, 0) << around.describe();
    EXPECT_EQ(read_file(at("newcopy.img")), content);
    const auto redirected = shell("\"$0\" import - \"$1\" < disk.raw", volume("redirected"));
    EXPECT_EQ(redirected.exit_status, 0) << redirected.describe();
    EXPECT_EQ(read_file(at("redirected.img")), content);
}

TEST_F(CliImageTest, HolesStayHoles) {
    constexpr off_t size = off_t{1} << 30;
    ASSERT_NO_FATAL_FAILURE(make_holed("disk.raw", size, {{0, "first"}, {size / 2, "middle"}, {size - 5, "last!"}}));
    must_varve({"import", file("disk.raw"), volume("file")});
    const auto piped = shell("cat disk.raw | \"$0\" import - \"$1\"", volume("pipe"));
    EXPECT_EQ(piped.exit_status, 0) << piped.describe();
    must_varve({"export", volume("file"), file("back.raw")});
    const auto expect_same = [&](const Path& path) {
        SCOPED_TRACE(path);
        EXPECT_LT(stat_of(path).st_blocks, 4096);
        EXPECT_EQ(stat_of(path).st_size, size);
        const OpenFile opened(path, O_RDONLY);
        EXPECT_EQ(opened.read_at(0, 5), "first");
        EXPECT_EQ(opened.read_at(size / 2, 6), "middle");
        EXPECT_EQ(opened.read_at(size - 5, 10), "last!");
        EXPECT_EQ(opened.read_at(size / 4, 8), std::string(8, '\0'));
    };
    expect_same(at("file.img"));
    expect_same(at("pipe.img"));
    expect_same(file("back.raw"));
}

TEST_F(CliImageTest, SparseLeavesOutZerosThatAreData) {
    ASSERT_EQ(write_file(file("disk.raw"), std::string(8 * mebibyte, '\0') + old_content_), ok);
    must_varve({"import", file("disk.raw"), volume("zeros")});
    must_varve({"export", volume("zeros"), file("as-is.raw")});
    must_varve({"export", "--sparse", volume("zeros"), file("sparse.raw")});
    EXPECT_EQ(read_file(file("sparse.raw")), read_file(file("disk.raw")));
    EXPECT_EQ(read_file(file("as-is.raw")), read_file(file("disk.raw")));
    EXPECT_LT(stat_of(file("sparse.raw")).st_blocks * 512, static_cast<off_t>(mebibyte));
}

TEST_F(CliImageTest, AnExistingVolumeIsReplacedOnlyByForce) {
    ASSERT_EQ(write_file(file("disk.raw"), new_content_), ok);
    expect_refused_with(Exit::failed, {"import", file("disk.raw"), data_name()}, {data_name() + " exists already"});
    must_varve({"import", "--force", file("disk.raw"), data_name()});
    EXPECT_EQ(read_file(data()), new_content_);
    EXPECT_EQ(read_file(data_old()), old_content_) << "the state before is a revision";
    must_varve({"export", data_name() + "@" + first_name, file("old.raw")});
    EXPECT_EQ(read_file(file("old.raw")), old_content_);
    must_varve({"import", "-f", data_old().string(), data_name()});
    EXPECT_EQ(read_file(data()), old_content_) << "a state of the mount is an image, too";
}

TEST_F(CliImageTest, AnExistingFileIsReplacedOnlyByForce) {
    ASSERT_EQ(write_file(file("disk.raw"), "mine"), ok);
    expect_refused_with(Exit::failed, {"export", data_name(), file("disk.raw")}, {"exists already", "--force"});
    EXPECT_EQ(read_file(file("disk.raw")), "mine");
    EXPECT_EQ(must_varve({"-q", "export", "--force", data_name(), file("disk.raw")}), "");
    EXPECT_EQ(read_file(file("disk.raw")), old_content_);
    EXPECT_EQ(files(), Names{"disk.raw"});
}

TEST_F(CliImageTest, WhatIsNoRawImageIsRefused) {
    ASSERT_EQ(write_file(file("odd"), std::string(1000, 'x')), ok);
    ASSERT_EQ(touch_new(file("empty")), ok);
    ASSERT_EQ(write_file(file("disk.qcow2"), "QFI\xfb" + std::string(508, '\0')), ok);
    expect_refused_with(Exit::failed, {"import", file("odd"), volume("x")}, {"1000 bytes", "multiple of 512", "truncate"});
    expect_refused_with(Exit::failed, {"import", file("empty"), volume("x")}, {"is empty"});
    expect_refused_with(Exit::failed, {"import", "-", volume("x")}, {"standard input is empty"});
    expect_refused_with(Exit::failed, {"import", file("disk.qcow2"), volume("x")}, {"qcow2", "--format qcow2", "--raw"});
    expect_refused_with(Exit::failed, {"import", outside().string(), volume("x")}, {"is a directory"});
    expect_refused_with(Exit::failed, {"import", "/dev/zero", volume("x")}, {"character device"});
    expect_refused_with(Exit::not_found, {"import", file("absent"), volume("x")}, {"cannot open", "absent"});
    expect_refused_with(Exit::not_found, {"import", file("odd"), "fast/absent/x"}, {"fast/absent does not exist", "mkdir"});
    expect_refused_with(Exit::usage, {"import", file("odd"), vm_name()}, {"does not name a volume"});
    expect_refused_with(Exit::usage, {"import", "--size", "many", "-", volume("x")}, {"many"});
    must_varve({"import", "--raw", file("disk.qcow2"), volume("x")});
    EXPECT_EQ(read_file(at("x.img")), read_file(file("disk.qcow2")));
}

TEST_F(CliImageTest, AVmIsMadeForTheImageWhenAsked) {
    ASSERT_EQ(write_file(file("disk.raw"), new_content_), ok);
    ASSERT_EQ(write_file(file("odd"), std::string(1000, 'x')), ok);
    const auto other = "fast/" + vm() + "-other";
    for (const auto& image : {file("odd"), file("absent")})
        expect_refused_with(image == file("odd") ? Exit::failed : Exit::not_found, {"import", "-p", image, other + "/root"}, {});
    EXPECT_EQ(varve({"info", other + "/root"}).exit_status, Exit::not_found);
    must_varve({"import", "-p", file("disk.raw"), other + "/root"});
    EXPECT_EQ(read_file(mount() / "pools" / other / "root.img"), new_content_);
    must_varve({"import", "--parents", file("disk.raw"), other + "/more"});
    expect_refused_with(Exit::failed, {"import", "-p", file("disk.raw"), other + "/more"}, {"exists already"});
    must_varve({"rm", "-r", other});
}

TEST_F(CliImageTest, AStreamThatIsNotAsLongAsSaidChangesNothing) {
    ASSERT_EQ(write_file(file("disk.raw"), pattern('s', 2 * mebibyte)), ok);
    const auto before = stored();
    const std::string import = "head -c \"$1\" disk.raw | \"$0\" import --size 1536K -f - " + data_name();
    for (const auto* bytes : {"512", "1M", "1572352", "1573376", "2M"}) {
        const auto refused = shell(import, bytes);
        EXPECT_NE(refused.exit_status, 0) << bytes;
        EXPECT_TRUE(has(refused.errors, "of --size: nothing was changed")) << bytes << ": " << refused.errors;
        EXPECT_EQ(read_file(data()), old_content_);
        EXPECT_EQ(names(), Names{"data.img"});
        EXPECT_TRUE(eventually([&] { return stored() == before; })) << bytes;
    }
    const auto exact = shell(import, "1536K");
    EXPECT_EQ(exact.exit_status, 0) << exact.describe();
    EXPECT_EQ(read_file(data()), pattern('s', 2 * mebibyte).substr(0, 1536 << 10));
}

TEST_F(CliImageTest, ExportsThatCannotBe) {
    expect_refused_with(Exit::not_found, {"export", volume("none"), file("x")}, {"none does not exist"});
    expect_refused_with(Exit::not_found, {"export", data_name() + "@none", "-"}, {"@none does not exist"});
    expect_refused_with(Exit::not_found, {"export", data_name(), file("absent/x")}, {"cannot open the directory"});
    expect_refused_with(Exit::failed, {"export", "-f", data_name(), outside().string()}, {"is a directory"});
    expect_refused_with(Exit::failed, {"export", "-f", data_name(), "/dev/null"}, {"'/dev/null' is not a plain file", "-"});
    expect_refused_with(Exit::usage, {"export", "--sparse", data_name(), "-"}, {"not for standard output"});
    expect_refused_with(Exit::usage, {"export", vm_name(), file("x")}, {"does not name a volume"});
    EXPECT_EQ(files(), Names{});
}

TEST_F(CliImageTest, AReaderThatLeavesIsAnError) {
    ASSERT_EQ(must_varve({"-q", "resize", data_name(), "64M"}), "");
    const auto large = shell("\"$0\" export \"$1\" - | head -c 100 > /dev/null; exit ${PIPESTATUS[0]}", data_name());
    EXPECT_EQ(large.exit_status, Exit::failed) << large.describe();
    EXPECT_TRUE(has(large.errors, "whoever reads standard output stopped")) << large.errors;
    const auto full = shell("\"$0\" export \"$1\" - > /dev/full", data_name());
    EXPECT_EQ(full.exit_status, Exit::failed) << full.describe();
    EXPECT_TRUE(has(full.errors, "No space left on device")) << full.errors;
}

TEST_F(CliImageTest, WhatAProgramWritesIsNotReplaced) {
    ASSERT_EQ(write_file(file("disk.raw"), new_content_), ok);
    OpenFile writer(data(), O_RDWR);
    ASSERT_EQ(writer.opened(), ok);
    const auto refused = varve({"import", "-f", file("disk.raw"), data_name()});
    EXPECT_EQ(refused.exit_status, Exit::busy) << refused.describe();
    EXPECT_TRUE(has(refused.errors, "open for writing by process")) << refused.errors;
    ASSERT_EQ(writer.close(), ok);
    EXPECT_EQ(names(), Names{"data.img"});
    EXPECT_EQ(read_file(data()), old_content_);
}

TEST_F(CliImageTest, AnInterruptedImportLeavesNothing) {
    const auto before = stored();
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        const base::UniqueFd reading(ends[0]);
        const base::UniqueFd writing(ends[1]);  // stays open: more may come
        ASSERT_EQ(::fcntl(writing.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
        const auto content = pattern('w', mebibyte);
        ASSERT_EQ(::write(writing.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
        EXPECT_EQ(interrupt(
                      {"import", "--force", "-", data_name()}, signal, [&] { return stored() != before; }, reading.get()),
                  Exit::interrupted);
        EXPECT_EQ(names(), Names{"data.img"});
        EXPECT_EQ(read_file(data()), old_content_);
        EXPECT_TRUE(eventually([&] { return stored() == before; }));
    }
}

TEST_F(CliImageTest, AnInterruptedExportLeavesNothing) {
    constexpr off_t size = off_t{1} << 30;
    std::vector<std::pair<off_t, std::string>> many;
    for (off_t place = 0; place < size; place += 128 << 10) many.emplace_back(place, "x");
    ASSERT_NO_FATAL_FAILURE(make_holed("disk.raw", size, many));
    must_varve({"import", file("disk.raw"), volume("slow")});
    ASSERT_EQ(remove_file(file("disk.raw")), ok);
    EXPECT_EQ(interrupt({"export", volume("slow"), file("back.raw")}, SIGINT, [&] { return is_open_in(outside()); }), Exit::interrupted);
    EXPECT_EQ(files(), Names{});
}

// A pool and a place for exports on a file system so small that it fills up.
class CliFullDiskTest : public CliImageTest {
protected:
    void SetUp() override {
        CliImageTest::SetUp();
        disk_ = std::make_unique<OwnDisk>(stage(), vm());
        ASSERT_FALSE(HasFailure());
        place_ = disk_->vm_path();
        ASSERT_EQ(make_state(place_ / "data.img", old_content_, first_time), ok);
    }
    void TearDown() override {
        disk_.reset();
        CliImageTest::TearDown();
    }

    std::unique_ptr<OwnDisk> disk_;
    Path place_;
};

TEST_F(CliFullDiskTest, AnImportThatDoesNotFitChangesNothing) {
    ASSERT_EQ(write_file(file("disk.raw"), pattern('f', 32 * mebibyte)), ok);
    ASSERT_NO_FATAL_FAILURE(disk_->fill(8 * mebibyte));
    const auto refused =
        varve({"--mount", disk_->daemon().mountpoint().string(), "import", "--force", file("disk.raw"), "small/work/data"});
    EXPECT_EQ(refused.exit_status, Exit::failed) << refused.describe();
    EXPECT_TRUE(has(refused.errors, "No space left on device")) << refused.errors;
    EXPECT_EQ(list_directory(place_), Names{"data.img"});
    EXPECT_EQ(read_file(place_ / "data.img"), old_content_);
    EXPECT_TRUE(eventually([&] { return std::filesystem::space(disk_->filesystem().path()).available > 7 * mebibyte; }))
        << "the scratch file's space is back";
}

TEST_F(CliFullDiskTest, AnExportThatDoesNotFitLeavesNothing) {
    ASSERT_EQ(write_file(file("disk.raw"), pattern('f', 32 * mebibyte)), ok);
    must_varve({"import", file("disk.raw"), volume("large")});
    ASSERT_NO_FATAL_FAILURE(disk_->fill(8 * mebibyte));
    const auto before = list_directory(disk_->filesystem().path());
    const auto target = disk_->filesystem().path() / "image.raw";
    expect_refused_with(Exit::failed, {"export", volume("large"), target.string()}, {"No space left on device", target.string()});
    EXPECT_EQ(list_directory(disk_->filesystem().path()), before);
}

}  // namespace
}  // namespace varve::test_support
