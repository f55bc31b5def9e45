// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/rpc/listen.h"

#include "tests/unit/rpc/served.h"

#include <sys/stat.h>
#include <boost/asio/post.hpp>

#include <fstream>

namespace varve::rpc::tests {
namespace {

class Listen : public testing::Test {
protected:
    ~Listen() override { std::filesystem::remove_all(directory_); }
    std::filesystem::path path() const { return directory_ / "run" / "socket"; }
    std::filesystem::path directory_ = fresh_directory();
};

TEST_F(Listen, EveryoneMayConnect) {
    const auto socket = bind_socket(path());
    ASSERT_TRUE(socket) << socket.error().message();
    struct stat status {};
    ASSERT_EQ(::lstat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0666U);
}

TEST_F(Listen, TheSocketOfADeadProcessIsReplaced) {
    { const auto dead = bind_socket(path()).value(); }
    EXPECT_TRUE(bind_socket(path()));
}

TEST_F(Listen, ThatOfALivingOneIsNot) {
    const auto alive = bind_socket(path()).value();
    EXPECT_EQ(bind_socket(path()).error().code, base::Errc::Busy);
}

TEST_F(Listen, NorIsAFile) {
    std::filesystem::create_directories(path().parent_path());
    std::ofstream(path()) << "x";
    EXPECT_EQ(bind_socket(path()).error().code, base::Errc::Exists);
    EXPECT_TRUE(std::filesystem::is_regular_file(path()));
}

TEST_F(Listen, WithoutSystemdNothingIsInherited) {
    const auto inherited = inherited_socket();
    ASSERT_TRUE(inherited);
    EXPECT_FALSE(*inherited);
}

}  // namespace
}  // namespace varve::rpc::tests
