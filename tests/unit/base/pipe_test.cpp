// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/base/pipe.h"
#include "drivers/base/argument_vector.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace varve::base {
namespace {

TEST(Pipe, AnEmptyOneFailsOrWaits) {
    const auto failing = make_pipe(EmptyPipe::Fails).value();
    char letter = 0;
    EXPECT_EQ(::read(failing.read.get(), &letter, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    ASSERT_EQ(::write(failing.write.get(), "x", 1), 1);
    EXPECT_EQ(::read(failing.read.get(), &letter, 1), 1);
    EXPECT_EQ(letter, 'x');
    const auto waiting = make_pipe(EmptyPipe::Waits).value();
    EXPECT_EQ(::fcntl(waiting.read.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Pipe, IsHandedOnByNoExec) {
    const auto pipe = make_pipe(EmptyPipe::Waits).value();
    for (const auto* end : {&pipe.read, &pipe.write}) EXPECT_EQ(::fcntl(end->get(), F_GETFD), FD_CLOEXEC);
}

TEST(ArgumentVector, EndsWithANullPointer) {
    std::vector<std::string> texts{"program", "", "a b"};
    const auto pointers = argument_vector(texts);
    ASSERT_EQ(pointers.size(), 4U);
    EXPECT_STREQ(pointers[0], "program");
    EXPECT_STREQ(pointers[1], "");
    EXPECT_STREQ(pointers[2], "a b");
    EXPECT_EQ(pointers[3], nullptr);
}

}  // namespace
}  // namespace varve::base
