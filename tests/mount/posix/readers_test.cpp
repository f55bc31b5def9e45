// SPDX-License-Identifier: LGPL-2.1-or-later
// Who reads while others commit.
#include "tests/mount/posix/one_volume.h"

#include <fcntl.h>

#include <atomic>
#include <map>
#include <thread>

namespace varve::test_support {
namespace {

// Opens and reads a volume over and over, until it goes. Its states are patterns.
class Reader {
public:
    explicit Reader(Path path) : path_(std::move(path)), thread_([this](const std::stop_token& end) { read_until(end); }) {}

    // What went wrong, and how often. Ends the reading.
    [[nodiscard]] std::map<std::string, int> failures() {
        thread_.request_stop();
        thread_.join();
        return failures_;
    }
    [[nodiscard]] int reads() const { return reads_; }

private:
    void read_until(const std::stop_token& end) {
        while (!end.stop_requested()) {
            const OpenFile file(path_, O_RDONLY);
            if (file.opened() != ok) {
                ++failures_[std::string("open: ") + ::strerrorname_np(file.opened().number)];
                continue;
            }
            const auto content = file.read_at(0, volume_size);
            if (content.empty() || content != pattern(content.front(), volume_size)) ++failures_["no whole state"];
            ++reads_;
        }
    }

    Path path_;
    std::atomic<int> reads_ = 0;
    std::map<std::string, int> failures_;
    std::jthread thread_;  // last: it uses the others
};

class ReadersTest : public OneVolumeTest {
protected:
    // Sessions and transactions, beside two readers.
    void commit_beside_readers() const {
        Reader one(data());
        Reader other(data());
        for (int round = 0; round < 25; ++round) {
            must("data", "start");
            guest_write("data", 0, pattern(static_cast<char>('a' + round % 20), volume_size));
            must("data", "stop");
            ASSERT_EQ(write_file(data(), pattern(static_cast<char>('b' + round % 20), volume_size)), ok);
        }
        EXPECT_TRUE(eventually([&] { return one.reads() > 0 && other.reads() > 0; }));
        EXPECT_EQ(one.failures(), (std::map<std::string, int>{}));
        EXPECT_EQ(other.failures(), (std::map<std::string, int>{}));
    }
};

TEST_F(ReadersTest, FindAStateAtEveryMomentOfEveryCommit) { commit_beside_readers(); }

TEST_F(ReadersTest, FindAStateThoughTheOldOneGoesAtOnce) {
    must("data", "configure revisions_to_keep=0");
    commit_beside_readers();
}

}  // namespace
}  // namespace varve::test_support
