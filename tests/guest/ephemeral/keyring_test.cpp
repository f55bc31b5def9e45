// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/kernel_keyring.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace varve::kernel {
namespace {

using base::Errc;

constexpr auto name = "varve:test";

class KeyringTest : public testing::Test {
protected:
    void TearDown() override { EXPECT_TRUE(keyring_.remove(name)); }
    KernelKeyring keyring_;
};

TEST_F(KeyringTest, AKeyOutlivesTheProcessThatMadeIt) {
    EXPECT_EQ(keyring_.hold(name).error().code, Errc::NotFound);
    const auto child = ::fork();
    if (child == 0) {
        KernelKeyring own;
        ::_exit(own.add(name, SecretKey::random(64).value()) ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 0);
    ASSERT_TRUE(keyring_.hold(name));
    keyring_.let_go(name);
    EXPECT_TRUE(keyring_.remove(name));
    EXPECT_EQ(keyring_.hold(name).error().code, Errc::NotFound);
    EXPECT_TRUE(keyring_.remove(name)) << "nothing is left to do";
}

TEST_F(KeyringTest, ARemovedKeyIsGoneForThoseWhoHoldItToo) {
    ASSERT_TRUE(keyring_.add(name, SecretKey::random(64).value()));
    ASSERT_TRUE(keyring_.hold(name));
    std::jthread([&] { EXPECT_TRUE(keyring_.remove(name)); }).join();
    EXPECT_EQ(keyring_.hold(name).error().code, Errc::NotFound);
    keyring_.let_go(name);
}

TEST_F(KeyringTest, AKeyCanBeReplaced) {
    ASSERT_TRUE(keyring_.add(name, SecretKey::random(64).value()));
    EXPECT_TRUE(keyring_.add(name, SecretKey::random(64).value()));
    EXPECT_TRUE(keyring_.remove(name));
    EXPECT_TRUE(keyring_.add(name, SecretKey::random(64).value()));
    EXPECT_TRUE(keyring_.hold(name));
    keyring_.let_go(name);
}

}  // namespace
}  // namespace varve::kernel
