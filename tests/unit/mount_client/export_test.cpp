// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/mount_client/export_image.h"
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

class ExportTest : public ::testing::Test {
protected:
    static constexpr std::size_t mebibyte = std::size_t{1} << 20;

    void SetUp() override {
        tree_.add_pool("p");
        tree_.add_volume("pools/p/v", "root", std::string(8192, 'r'));
        tree_.put("pools/p/v/root.img@kept", std::string(4096, 'k'));
        std::filesystem::create_directory(tree_.at("out"));
    }

    [[nodiscard]] Result<Bytes> export_to(const std::string& path, const ExportOptions& options = {}, const std::string& from = "p/v/root",
                                          const CopyObserver& observer = {}) const {
        const auto mount = tree_.mount();
        return export_to_file(mount, std::get<StateReference>(parse_reference(from).value()), path, options, observer);
    }
    [[nodiscard]] std::vector<std::string> files() const { return tree_.mount().list("out").value(); }
    [[nodiscard]] struct stat status_of(const std::string& file) const {
        struct stat status {};
        EXPECT_EQ(::stat(tree_.at(file).c_str(), &status), 0);
        return status;
    }
    // A volume of that size with a hole, zeros that are data, and one letter behind.
    void make_holed(std::size_t size) const {
        const UniqueFd file(::open(tree_.at("pools/p/v/root.img").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
        const std::string zeros(mebibyte, '\0');
        ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
        ASSERT_EQ(::pwrite(file.get(), zeros.data(), zeros.size(), static_cast<off_t>(size / 2)), static_cast<ssize_t>(zeros.size()));
        ASSERT_EQ(::pwrite(file.get(), "x", 1, static_cast<off_t>(size - mebibyte)), 1);
    }

    testing::FakeTree tree_;
};

TEST_F(ExportTest, AStateOrARevisionToANewFile) {
    EXPECT_EQ(export_to(tree_.at("out/a.raw")).value(), Bytes{8192});
    EXPECT_EQ(export_to(tree_.at("out/b.raw"), {}, "p/v/root@kept").value(), Bytes{4096});
    EXPECT_EQ(tree_.get("out/a.raw"), std::string(8192, 'r'));
    EXPECT_EQ(tree_.get("out/b.raw"), std::string(4096, 'k'));
    EXPECT_EQ(files(), (std::vector<std::string>{"a.raw", "b.raw"}));
    EXPECT_EQ(status_of("out/a.raw").st_mode & 07777U, 0600U);
    EXPECT_EQ(export_to(tree_.at("out/c.raw"), {}, "p/v/none").error().code, Errc::NotFound);
}

TEST_F(ExportTest, AnExistingFileIsReplacedOnlyWhenAsked) {
    tree_.put("out/a.raw", "old");
    EXPECT_EQ(export_to(tree_.at("out/a.raw")).error().code, Errc::Exists);
    EXPECT_EQ(tree_.get("out/a.raw"), "old");
    EXPECT_TRUE(export_to(tree_.at("out/a.raw"), {.overwrite = Overwrite::Yes}));
    EXPECT_EQ(tree_.get("out/a.raw"), std::string(8192, 'r'));
    EXPECT_EQ(files(), std::vector<std::string>{"a.raw"});
}

TEST_F(ExportTest, PlacesThatAreNoFiles) {
    ASSERT_EQ(::mkfifo(tree_.at("out/pipe").c_str(), 0600), 0);
    std::filesystem::create_symlink("elsewhere", tree_.at("out/link"));
    for (const auto* place : {"out", "out/", "out/.", "out/..", "out/pipe", "out/link"}) {
        const auto refused = export_to(tree_.at(place), {.overwrite = Overwrite::Yes});
        ASSERT_FALSE(refused) << place;
        EXPECT_EQ(refused.error().code, Errc::InvalidArgument) << place;
    }
    EXPECT_EQ(export_to(tree_.at("out/absent/a.raw")).error().code, Errc::NotFound);
    EXPECT_FALSE(export_to(tree_.at("out/" + std::string(300, 'x'))));
    EXPECT_EQ(files(), (std::vector<std::string>{"link", "pipe"}));
}

TEST_F(ExportTest, HolesStayAndZerosBecomeHolesWhenAsked) {
    constexpr std::size_t size = 16 * mebibyte;
    make_holed(size);
    ASSERT_TRUE(export_to(tree_.at("out/as-is.raw")));
    ASSERT_TRUE(export_to(tree_.at("out/sparse.raw"), {.zeros = Zeros::LeaveOut}));
    const auto content = tree_.get("pools/p/v/root.img");
    for (const auto* file : {"out/as-is.raw", "out/sparse.raw"}) EXPECT_EQ(tree_.get(file), content);
    EXPECT_GE(status_of("out/as-is.raw").st_blocks * 512, static_cast<off_t>(mebibyte));
    EXPECT_LT(status_of("out/as-is.raw").st_blocks * 512, static_cast<off_t>(2 * mebibyte));
    EXPECT_LE(status_of("out/sparse.raw").st_blocks * 512, 65536);
}

TEST_F(ExportTest, AStreamGetsHolesAsZeros) {
    constexpr std::size_t size = 4 * mebibyte + 512;
    make_holed(size);
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    std::string got;
    std::thread reader([&] {
        std::array<char, 9999> buffer{};
        for (ssize_t count = 0; (count = ::read(reading.get(), buffer.data(), buffer.size())) > 0;)
            got.append(buffer.data(), static_cast<std::size_t>(count));
    });
    const auto mount = tree_.mount();
    const auto done = export_to_stream(mount, std::get<StateReference>(parse_reference("p/v/root").value()), writing.get(), {});
    writing.reset();
    reader.join();
    EXPECT_EQ(done.value(), Bytes{size});
    EXPECT_EQ(got, tree_.get("pools/p/v/root.img"));
}

TEST_F(ExportTest, ReadersThatGoAndPipesThatAreFull) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    make_holed(4 * mebibyte);
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    UniqueFd reading(ends[0]);
    const UniqueFd writing(ends[1]);
    const auto mount = tree_.mount();
    const auto state = std::get<StateReference>(parse_reference("p/v/root").value());
    int asked = 0;
    const CopyObserver impatient{{}, [&] { return ++asked == 10; }};
    EXPECT_EQ(export_to_stream(mount, state, writing.get(), impatient).error().code, Errc::Interrupted);
    reading.reset();
    const auto gone = export_to_stream(mount, state, writing.get(), {});
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().message(), "whoever reads standard output stopped before the end of p/v/root");
}

TEST_F(ExportTest, InterruptedLeavesNothing) {
    EXPECT_EQ(export_to(tree_.at("out/a.raw"), {}, "p/v/root", {{}, [] { return true; }}).error().code, Errc::Interrupted);
    EXPECT_EQ(files(), std::vector<std::string>{});
}

}  // namespace
}  // namespace varve::mount_client
