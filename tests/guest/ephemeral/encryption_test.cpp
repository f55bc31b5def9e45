// SPDX-License-Identifier: LGPL-2.1-or-later
// What the storage gets to see, and who has the key.
#include "tests/guest/ephemeral/guest_pool.h"
#include "tests/support/run_program.h"
#include "tests/support/waiting.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <array>

namespace varve::ephemeral_guest_test {
namespace {

class Encryption : public Ephemeral {};

constexpr std::uint64_t data = mib;  // offset and length of what is written: behind the zeroes

TEST_F(Encryption, TheStorageNeverSeesWhatIsWritten) {
    auto pool = process();
    pool->need_volume({4 * mib});
    ASSERT_TRUE(succeeded(pool->start()));
    const auto device = pool->device().value();
    EXPECT_EQ(device, "/dev/mapper/" + ready());
    write_at(device, data, data, 'P');
    EXPECT_EQ(read_at(device, data, data), std::string(data, 'P'));
    const auto on_disk = read_file(image());
    ASSERT_EQ(on_disk.size(), 4 * mib);
    EXPECT_GE(allocated(image()), data);
    EXPECT_EQ(on_disk.find("PPPPPPPP"), std::string::npos);
    EXPECT_NE(on_disk.substr(data, data), std::string(data, '\0'));
    ASSERT_TRUE(succeeded(pool->stop()));
    expect_nothing_left();
    EXPECT_FALSE(std::filesystem::exists(image()));
}

TEST_F(Encryption, TheSameTextIsAnotherAtEachStart) {
    auto pool = process();
    pool->need_volume({4 * mib});
    std::array<std::string, 2> on_disk;
    for (auto& seen : on_disk) {
        ASSERT_TRUE(succeeded(pool->start()));
        write_at(pool->device().value(), data, 4096, 'P');
        seen = read_file(image()).substr(data, 4096);
        ASSERT_TRUE(succeeded(pool->stop()));
    }
    EXPECT_NE(on_disk[0], on_disk[1]);
    EXPECT_NE(on_disk[0].substr(0, 512), on_disk[0].substr(512, 512)) << "sectors differ too";
}

TEST_F(Encryption, ItsStartReadsAsZeroesAndHasNoSignature) {
    auto pool = process();
    pool->need_volume({4 * mib});
    ASSERT_TRUE(succeeded(pool->start()));
    const auto device = pool->device().value();
    EXPECT_EQ(read_at(device, 0, 65536), std::string(65536, '\0'));
    EXPECT_NE(read_at(device, 65536, 4096), std::string(4096, '\0')) << "holes decrypt to noise";
    const auto looked = test_support::run_program({"blkid", "--probe", device.string()});
    ASSERT_TRUE(succeeded(looked));
    EXPECT_EQ(looked->exit_status, 2) << looked->describe();  // blkid(8): nothing could be identified
    ASSERT_TRUE(succeeded(pool->stop()));
}

TEST_F(Encryption, RootCannotReadTheKeyBack) {
    auto pool = process();
    pool->need_volume({4 * mib});
    ASSERT_TRUE(succeeded(pool->start()));
    EXPECT_TRUE(key_there());
    const auto shown = test_support::run_program({"dmsetup", "table", "--showkeys", ready()});
    ASSERT_TRUE(succeeded(shown));
    EXPECT_NE(shown->output.find(" crypt aes-xts-plain64 :64:logon:varve:VARVE-"), std::string::npos) << shown->describe();
    EXPECT_NE(shown->output.find(" 1 allow_discards"), std::string::npos) << shown->describe();
    ASSERT_TRUE(succeeded(pool->stop()));
    expect_nothing_left();
    EXPECT_TRUE(test_support::eventually([] { return read_file("/proc/keys").find("varve:") == std::string::npos; }))
        << "the kernel collects it soon";
}

// As in a container that is not allowed to use keyrings.
class NoKeyring final : public kernel::Keyring {
public:
    base::Result<> add(const std::string& /*name*/, const kernel::SecretKey& /*key*/) override {
        return base::fail(base::Errc::Unsupported, "the kernel keeps no keys");
    }
    base::Result<> hold(const std::string& /*name*/) override { return base::fail(base::Errc::NotFound, "there is no key"); }
    void let_go(const std::string& /*name*/) override {}
    base::Result<> remove(const std::string& /*name*/) override { return {}; }
};

TEST_F(Encryption, WithoutAKeyringTheTableHoldsTheKey) {
    NoKeyring none;
    ports_.keyring = &none;
    auto pool = process();
    pool->need_volume({4 * mib});
    ASSERT_TRUE(succeeded(pool->start()));
    const auto device = pool->device().value();
    write_at(device, data, 4096, 'P');
    EXPECT_EQ(read_file(image()).find("PPPPPPPP"), std::string::npos);
    EXPECT_FALSE(key_there());
    ASSERT_TRUE(succeeded(pool->execute(api::Resize{{8 * mib}})));
    EXPECT_EQ(size_of(device), 8 * mib);
    EXPECT_EQ(read_at(device, data, 4096), std::string(4096, 'P'));
    ASSERT_TRUE(succeeded(pool->stop()));
    expect_nothing_left();
}

TEST_F(Encryption, DiscardsReachTheImage) {
    auto pool = process();
    pool->need_volume({16 * mib});
    ASSERT_TRUE(succeeded(pool->start()));
    const auto device = pool->device().value();
    write_at(device, data, 8 * mib, 'P');
    const auto before = allocated(image());
    ASSERT_GE(before, 8 * mib);
    {
        const base::UniqueFd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC));
        const std::array<std::uint64_t, 2> range{data, 8 * mib};
        ASSERT_EQ(::ioctl(fd.get(), BLKDISCARD, range.data()), 0);
    }
    EXPECT_LT(allocated(image()), before - 7 * mib);
    ASSERT_TRUE(succeeded(pool->stop()));
}

TEST_F(Encryption, TheVmSeesTheSectorsOfTheStorage) {
    auto pool = process();
    pool->need_volume({4 * mib});
    ASSERT_TRUE(succeeded(pool->start()));
    const base::UniqueFd fd(::open(pool->device().value().c_str(), O_RDONLY | O_CLOEXEC));
    int sector = 0;
    ASSERT_EQ(::ioctl(fd.get(), BLKSSZGET, &sector), 0);
    EXPECT_EQ(sector, 512);
}

}  // namespace
}  // namespace varve::ephemeral_guest_test
