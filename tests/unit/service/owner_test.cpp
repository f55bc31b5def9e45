// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/service/owner.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace varve::service {
namespace {

// A file_lock is the process's: another process must ask.
int ask_in_another_process(const std::filesystem::path& directory) {
    const auto child = ::fork();
    if (child == 0) {
        const auto owner = Owner::acquire(directory);
        ::_exit(owner ? 0 : owner.error().code == base::Errc::Busy ? 1 : 2);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

TEST(ServiceOwner, OneOrchestratorForADirectory) {
    std::string pattern = testing::TempDir() + "varve-owner-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    const std::filesystem::path directory = pattern + "/state";
    {
        const auto owner = Owner::acquire(directory);
        ASSERT_TRUE(owner) << owner.error().message();
        EXPECT_EQ(ask_in_another_process(directory), 1);
    }
    EXPECT_EQ(ask_in_another_process(directory), 0);
    std::filesystem::remove_all(pattern);
}

}  // namespace
}  // namespace varve::service
