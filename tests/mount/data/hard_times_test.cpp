// SPDX-License-Identifier: LGPL-2.1-or-later
// What can go wrong below or beside an open file: nothing leaks, and the mount lives on.
#include "tests/mount/data/data_test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

namespace varve::test_support {
namespace {

class HardTimesTest : public DataTest {
protected:
    void expect_daemon_to_have(std::size_t descriptors) const {
        EXPECT_TRUE(eventually([&] { return daemon_descriptors() <= descriptors; }))
            << daemon_descriptors() << " instead of " << descriptors;
    }
};

TEST_F(HardTimesTest, AThousandReadersAtOnceLeaveNothingOpen) {
    const auto before = daemon_descriptors();
    constexpr int threads = 20;
    constexpr int opens = 50;
    std::vector<std::thread> readers;
    std::vector<int> wrong(threads, 0);
    for (int i = 0; i < threads; ++i)
        readers.emplace_back([&, i] {
            std::vector<OpenFile> files;
            for (int k = 0; k < opens; ++k) files.emplace_back(k % 2 == 0 ? image() : data(), O_RDONLY);
            for (int k = 0; k < opens; ++k)
                if (files[static_cast<std::size_t>(k)].read_at(100, 1000) != (k % 2 == 0 ? content_ : old_content_).substr(100, 1000))
                    ++wrong[static_cast<std::size_t>(i)];
        });
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(wrong, std::vector<int>(threads, 0));
    expect_daemon_to_have(before);
}

TEST_F(HardTimesTest, AReaderThatIsKilledInTheMiddleLeavesNothingOpen) {
    const auto before = daemon_descriptors();
    for (int i = 0; i < 20; ++i) {
        const Gate reading;
        Child reader([&] {
            std::vector<char> buffer(64 << 10);
            const OpenFile file(image(), O_RDONLY);
            reading.open();
            for (off_t offset = 0;; offset = (offset + (64 << 10)) % static_cast<off_t>(image_size))
                if (::pread(file.fd(), buffer.data(), buffer.size(), offset) < 0) return 1;
        });
        ASSERT_TRUE(reading.wait());
        reader.kill(SIGKILL);
        EXPECT_EQ(reader.wait(), -SIGKILL);
    }
    expect_daemon_to_have(before);
    EXPECT_EQ(read_file(image()), content_);
}

// Somebody meddles with the pool's files while they are read.
TEST_F(HardTimesTest, ABackingFileThatIsCutShortReadsAsShort) {
    const OpenFile file(image(), O_RDONLY);
    ASSERT_EQ(file.read_at(0, 10), content_.substr(0, 10));
    drop_caches();
    ASSERT_EQ(truncate_path(image_backing(), 4096), ok);
    EXPECT_EQ(file.read_at(8192, 4096).find_first_not_of('\0'), std::string::npos) << "zeros or nothing, and no stale bytes";
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_TRUE(daemon().running());
}

TEST_F(HardTimesTest, ABackingFileThatIsReplacedIsStillReadByWhoHasItOpen) {
    const OpenFile file(image(), O_RDONLY);
    ASSERT_EQ(file.opened(), ok);
    ASSERT_EQ(write_file(image_backing().string() + ".foreign", "foreign"), ok);
    ASSERT_EQ(rename_path(image_backing().string() + ".foreign", image_backing()), ok);
    EXPECT_EQ(file.read_at(0, image_size), content_);
    EXPECT_EQ(read_file(data()), old_content_);
    EXPECT_TRUE(daemon().running());
}

TEST_F(HardTimesTest, WithoutDescriptorsLeftOpensFailAndNothingElseDoes) {
    const auto pid = daemon().pid();
    rlimit before{};
    ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &before), 0);
    const rlimit tight{daemon_descriptors() + 8, before.rlim_max};  // some for threads that a busy daemon may start meanwhile
    ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &tight, nullptr), 0);
    {
        std::vector<OpenFile> files;
        bool refused = false;
        for (int i = 0; i < 40 && !refused; ++i) {
            files.emplace_back(image(), O_RDONLY);
            refused = files.back().opened() == Errno{ENFILE};
            EXPECT_TRUE(refused || files.back().opened() == ok) << files.back().opened();
        }
        EXPECT_TRUE(refused);
        EXPECT_EQ(files.front().read_at(0, image_size), content_);
    }
    ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &before, nullptr), 0);
    EXPECT_TRUE(eventually([&] { return open_and_close(image(), O_RDONLY) == ok; }));
    EXPECT_EQ(read_file(image()), content_);
}

}  // namespace
}  // namespace varve::test_support
