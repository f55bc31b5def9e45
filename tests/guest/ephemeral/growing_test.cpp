// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/guest/ephemeral/guest_pool.h"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's, not C's
#include <unistd.h>

namespace varve::ephemeral_guest_test {
namespace {

class Growing : public Ephemeral {};

TEST_F(Growing, WhileTheVmHasItOpenAndAfterARestart) {
    ASSERT_EQ(killed_after([](Process& process) {
                  process.need_volume({4 * mib});
                  if (!process.start()) ::_exit(2);
                  write_at(process.device().value(), 2 * mib, mib, 'P');
                  if (!process.execute(api::Resize{{6 * mib}})) ::_exit(3);
              }),
              -SIGKILL);
    const std::filesystem::path device = "/dev/mapper/" + ready();
    EXPECT_EQ(size_of(device), 6 * mib);
    const base::UniqueFd vm(::open(device.c_str(), O_RDWR | O_CLOEXEC));
    auto pool = process();
    ASSERT_TRUE(pool->started());
    ASSERT_TRUE(succeeded(pool->execute(api::Resize{{9 * mib}})));  // needs the key that the dead process has made
    EXPECT_EQ(size_of(device), 9 * mib);
    EXPECT_EQ(::lseek(vm.get(), 0, SEEK_END), static_cast<off_t>(9 * mib));
    EXPECT_EQ(read_at(device, 2 * mib, mib), std::string(mib, 'P'));
    write_at(device, 8 * mib, mib, 'Q');
    EXPECT_EQ(read_at(device, 8 * mib, mib), std::string(mib, 'Q'));
    EXPECT_EQ(read_file(image()).find("QQQQQQQQ"), std::string::npos);
}

TEST_F(Growing, AnInterruptedOneIsFinishedByTheNextProcess) {
    ASSERT_EQ(killed_after([](Process& process) {
                  process.need_volume({4 * mib});
                  if (!process.start()) ::_exit(2);
              }),
              -SIGKILL);
    std::filesystem::resize_file(image(), 5 * mib);  // what the driver does first
    auto pool = process();
    EXPECT_EQ(pool->view().session->size.count, 5 * mib);
    EXPECT_EQ(size_of("/dev/mapper/" + ready()), 5 * mib);
    ASSERT_TRUE(succeeded(pool->stop()));
    expect_nothing_left();
}

}  // namespace
}  // namespace varve::ephemeral_guest_test
