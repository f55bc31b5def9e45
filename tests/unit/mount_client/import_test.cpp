// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/import_image.h"
#include "tests/unit/mount_client/fake_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

namespace varve::mount_client {
namespace {

using base::Bytes;
using base::Errc;
using base::Result;
using base::UniqueFd;

class ImportTest : public ::testing::Test {
protected:
    static constexpr std::size_t mebibyte = std::size_t{1} << 20;

    void SetUp() override {
        tree_.add_pool("p");
        tree_.add_volume("pools/p/v", "root", "old");
    }

    [[nodiscard]] Result<Bytes> import_from(int fd, const std::string& to, const ImportOptions& options = {},
                                            const CopyObserver& observer = {}) const {
        const auto target = std::get<StateReference>(parse_reference(to).value());
        const auto mount = tree_.mount();
        return import_image(mount, {fd, "the image"}, target.volume, options, observer);
    }
    [[nodiscard]] Result<Bytes> import_file(const std::string& content, const std::string& to, const ImportOptions& options = {}) {
        tree_.put("image.raw", content);
        return import_from(open("image.raw").get(), to, options);
    }
    // What a program gives that writes this in small pieces and ends.
    [[nodiscard]] Result<Bytes> import_stream(const std::string& content, const std::string& to, const ImportOptions& options = {}) const {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        UniqueFd reading(ends[0]);
        std::thread writer([&, writing = UniqueFd(ends[1])] {
            for (std::size_t at = 0; at < content.size();) {
                const auto written = ::write(writing.get(), content.data() + at, std::min<std::size_t>(content.size() - at, 7777));
                if (written < 0) return;
                at += static_cast<std::size_t>(written);
            }
        });
        auto result = import_from(reading.get(), to, options);
        reading.reset();
        writer.join();
        return result;
    }
    [[nodiscard]] UniqueFd open(const std::string& file) const { return UniqueFd(::open(tree_.at(file).c_str(), O_RDONLY | O_CLOEXEC)); }
    [[nodiscard]] off_t stored(const std::string& file) const {
        struct stat status {};
        EXPECT_EQ(::stat(tree_.at(file).c_str(), &status), 0);
        return status.st_blocks * 512;
    }
    void expect_nothing_new() const {
        EXPECT_EQ(tree_.mount().list("pools/p/v").value(), (std::vector<std::string>{".varve", "root.img"}));
        EXPECT_EQ(tree_.get("pools/p/v/root.img"), "old");
    }

    testing::FakeTree tree_;
};

TEST_F(ImportTest, FilesAndStreamsOfAllLengths) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    for (const std::size_t size : {std::size_t{512}, std::size_t{65536}, mebibyte, mebibyte + 512, 3 * mebibyte - 512}) {
        std::string content;
        for (std::size_t at = 0; at < size; ++at) content += static_cast<char>(1 + at % 251);
        EXPECT_EQ(import_file(content, "p/v/file", {.replace = Mount::Replace::Yes}).value(), Bytes{size});
        EXPECT_EQ(tree_.get("pools/p/v/file.img"), content);
        EXPECT_EQ(import_stream(content, "p/v/stream", {.replace = Mount::Replace::Yes}).value(), Bytes{size});
        EXPECT_EQ(tree_.get("pools/p/v/stream.img"), content);
    }
}

TEST_F(ImportTest, HolesOfFilesAndZerosOfStreamsAreNotWritten) {
    std::string content(32 * mebibyte, '\0');
    content[0] = 'a';
    content[9 * mebibyte + 65536] = 'b';       // the first byte of a block
    content[20 * mebibyte + 65536 - 1] = 'c';  // the last one
    ASSERT_TRUE(import_stream(content, "p/v/stream"));
    EXPECT_EQ(tree_.get("pools/p/v/stream.img"), content);
    EXPECT_LE(stored("pools/p/v/stream.img"), 3 * 65536);
    ASSERT_TRUE(import_from(open("pools/p/v/stream.img").get(), "p/v/file"));
    EXPECT_EQ(tree_.get("pools/p/v/file.img"), content);
    EXPECT_LE(stored("pools/p/v/file.img"), 3 * 65536);
    ASSERT_TRUE(import_file(std::string(mebibyte, '\0'), "p/v/zeros"));
    EXPECT_EQ(stored("pools/p/v/zeros.img"), static_cast<off_t>(mebibyte)) << "a file's zeros are data when it has them as data";
}

TEST_F(ImportTest, AFileThatWasReadFromIsTakenFromThere) {
    tree_.put("image.raw", std::string(512, 'x') + std::string(1024, 'y'));
    const auto file = open("image.raw");
    ASSERT_EQ(::lseek(file.get(), 512, SEEK_SET), 512);
    EXPECT_EQ(import_from(file.get(), "p/v/new").value(), Bytes{1024});
    EXPECT_EQ(tree_.get("pools/p/v/new.img"), std::string(1024, 'y'));
}

TEST_F(ImportTest, WhatIsNoImageIsRefused) {
    const auto refused = [&](const Result<Bytes>& result, Errc code, const std::string& part) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code);
        EXPECT_NE(result.error().context.find(part), std::string::npos) << result.error().context;
        expect_nothing_new();
    };
    const std::string qcow2 = "QFI\xfb" + std::string(508, 'q');
    refused(import_file("", "p/v/new"), Errc::InvalidArgument, "is empty");
    refused(import_stream("", "p/v/new"), Errc::InvalidArgument, "is empty");
    refused(import_file(std::string(513, 'x'), "p/v/new"), Errc::InvalidArgument, "truncate --size=%512");
    refused(import_stream(std::string(mebibyte + 1, 'x'), "p/v/new"), Errc::InvalidArgument, "multiple of 512");
    refused(import_file(qcow2, "p/v/new"), Errc::InvalidArgument, "--format qcow2");
    refused(import_stream(qcow2, "p/v/new"), Errc::InvalidArgument, "--raw");
    refused(import_from(open("pools").get(), "p/v/new"), Errc::InvalidArgument, "is a directory");
    refused(import_from(UniqueFd(::open("/dev/zero", O_RDONLY | O_CLOEXEC)).get(), "p/v/new"), Errc::InvalidArgument, "character device");
    EXPECT_TRUE(import_file(qcow2, "p/v/new", {.any_content = true}));
    EXPECT_EQ(tree_.get("pools/p/v/new.img"), qcow2);
}

TEST_F(ImportTest, TheSizeMustBeTheOneThatWasSaid) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    const ImportOptions said{.size = Bytes{2 * mebibyte}};
    for (const auto size : {2 * mebibyte - 512, 2 * mebibyte + 512, 5 * mebibyte}) {
        EXPECT_EQ(import_file(std::string(size, 'x'), "p/v/new", said).error().code, Errc::InvalidArgument);
        const auto streamed = import_stream(std::string(size, 'x'), "p/v/new", said);
        ASSERT_FALSE(streamed);
        EXPECT_NE(streamed.error().context.find("--size: nothing was changed"), std::string::npos) << streamed.error().context;
        expect_nothing_new();
    }
    EXPECT_TRUE(import_stream(std::string(2 * mebibyte, 'x'), "p/v/new", said));
    EXPECT_EQ(import_stream("", "p/v/odd", {.size = Bytes{513}}).error().code, Errc::InvalidArgument);
}

TEST_F(ImportTest, DestinationsThatCannotBe) {
    const std::string content(512, 'x');
    EXPECT_EQ(import_file(content, "p/v/root").error().code, Errc::Exists);
    EXPECT_NE(import_file(content, "p/nowhere/root").error().context.find("mkdir"), std::string::npos);
    expect_nothing_new();
    EXPECT_TRUE(import_file(content, "p/v/root", {.replace = Mount::Replace::Yes}));
    EXPECT_EQ(tree_.get("pools/p/v/root.img"), content);
}

TEST_F(ImportTest, InterruptedWhileNobodyWritesItLeavesNothing) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd reading(ends[0]);
    const UniqueFd writing(ends[1]);
    int asked = 0;
    EXPECT_EQ(import_from(reading.get(), "p/v/new", {}, {{}, [&] { return ++asked == 2; }}).error().code, Errc::Interrupted);
    expect_nothing_new();
}

TEST_F(ImportTest, TheProgressOfAStreamHasNoEndUnlessItWasSaid) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    const auto seen = [&](std::optional<Bytes> size) {
        tree_.put("image.raw", "x" + std::string(1023, 'y'));
        const auto file = open("image.raw");
        EXPECT_EQ(::lseek(file.get(), 512, SEEK_SET), 512);
        std::pair<Bytes, std::optional<Bytes>> last;
        const CopyObserver observer{[&](Bytes done, std::optional<Bytes> whole) { last = {done, whole}; }, {}};
        EXPECT_TRUE(import_from(file.get(), "p/v/new", {.size = size, .replace = Mount::Replace::Yes}, observer));
        EXPECT_EQ(last.first, Bytes{512});
        return last.second;
    };
    EXPECT_EQ(seen({}), std::nullopt);
    EXPECT_EQ(seen(Bytes{512}), Bytes{512});
}

}  // namespace
}  // namespace varve::mount_client
