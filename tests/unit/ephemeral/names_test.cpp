// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/ephemeral/crypt_names.h"
#include "tests/unit/ephemeral/world.h"

#include <filesystem>

namespace varve::ephemeral_tests {
namespace {

TEST(CryptNames, NameTheVolumeBothWays) {
    const ephemeral::CryptNames names(identity);
    for (const std::string text : {"work/volatile", "a-b/c", "a/b", "a-crypt-b/crypt", "My_VM.2-/v0"}) {
        const auto name = names.of(path(text));
        ASSERT_TRUE(succeeded(name)) << text;
        EXPECT_EQ(names.volume_of(name->uuid.str()), path(text));
        EXPECT_NE(name->making, name->ready);
    }
    const auto longest = path(std::string(31, 'a') + "/" + std::string(32, 'b'));
    EXPECT_EQ(names.volume_of(names.of(longest).value().uuid.str()), longest);
    EXPECT_EQ(names.of(path(swap)).value().ready.str(), ready);
}

TEST(CryptNames, KnowNothingOfOthers) {
    const ephemeral::CryptNames names(identity);
    const auto prefix = names.uuid_prefix();
    const std::vector<std::string> others{"",
                                          "LVM-work-volatile",
                                          prefix,
                                          prefix + "work",
                                          prefix + "work-",
                                          prefix + "-volatile",
                                          prefix + "work-Volatile",
                                          "VARVE-0123456789abcdee-crypt-work-volatile",
                                          "x" + prefix + "work-volatile"};
    for (const auto& uuid : others) EXPECT_EQ(names.volume_of(uuid), std::nullopt) << uuid;
}

TEST(CryptNames, AnIdentityThatDeviceMapperDoesNotTakeIsRefused) {
    EXPECT_EQ(ephemeral::CryptNames("my pool").of(path(swap)).error().code, base::Errc::InvalidName);
}

TEST(PoolIdentity, IsOfTheDriverAndThePlace) {
    const auto directory = std::filesystem::temp_directory_path() / "varve-identity";
    const auto link = std::filesystem::temp_directory_path() / "varve-identity-link";
    std::filesystem::create_directories(directory);
    std::filesystem::remove(link);
    std::filesystem::create_directory_symlink(directory, link);
    const auto of = [](std::string_view driver, const std::filesystem::path& place) {
        return ephemeral::pool_identity(driver, place.string());
    };
    EXPECT_EQ(of("file", directory), of("file", link)) << "one place";
    EXPECT_NE(of("file", directory), of("file-reflink", directory));
    EXPECT_NE(of("file", directory), of("file", directory.parent_path()));
    EXPECT_EQ(of("lvm_thin", "vg/pool"), of("lvm_thin", "vg/pool"));
    for (const auto& text : {of("file", directory), of("file", "/nowhere"), of("", "")}) {
        EXPECT_EQ(text.size(), 16U);
        EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos) << text;
    }
    std::filesystem::remove(link);
    std::filesystem::remove(directory);
}

}  // namespace
}  // namespace varve::ephemeral_tests
