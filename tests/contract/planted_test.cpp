// SPDX-License-Identifier: LGPL-2.1-or-later
// Drivers that keep files: what others put into their directories is never followed, taken for a volume, or removed.
#include "tests/contract/contract_test.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace varve::contract {
namespace {

using base::Errc;
using Texts = std::vector<std::string>;

void put(const std::filesystem::path& file) { std::ofstream(file) << "not ours"; }

bool there(const std::filesystem::path& file) { return std::filesystem::exists(std::filesystem::symlink_status(file)); }

TEST_P(FileContractTest, ForeignEntriesAreLeftAloneAndReported) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto directory = place_->directory(root_.vm);
    ASSERT_TRUE(directory);
    const Texts names{"notes.txt", "firewall.xml", "root.img.bak", "Root.img", "root.img@", "root.img@not a label",
                      ".hidden",   "1.img",        "root-snap.img"};
    for (const auto& name : names) put(*directory / name);
    std::filesystem::create_directory(*directory / "apps");
    reboot();
    EXPECT_EQ(read(root_), "first");
    EXPECT_EQ(views_.size(), 1U) << "none of these is a volume";
    for (const auto& name : names) {
        EXPECT_TRUE(there(*directory / name)) << name;
        EXPECT_NE(std::ranges::find(vms_.at(root_.vm).foreign, name), vms_.at(root_.vm).foreign.end()) << name;
    }
    const auto findings = pool_->verify(root_.vm);
    ASSERT_TRUE(succeeded(findings));
    for (const auto& name : names)
        EXPECT_TRUE(std::ranges::any_of(*findings, [&](const auto& finding) { return finding.object.find(name) != std::string::npos; }))
            << name;
    const auto all = view(root_).revisions;
    for (const auto& old : all) run(root_, api::RemoveRevision{old.id});
    run(root_, api::RemoveCommitted{});
    EXPECT_TRUE(failed(pool_->remove_vm(root_.vm), Errc::NotEmpty));
    for (const auto& name : names) EXPECT_TRUE(there(*directory / name)) << name;
}

TEST_P(FileContractTest, PlantedSymlinksAreNeverFollowed) {
    create(root_, origin());
    publish(root_, "first", at(1));
    const auto directory = place_->directory(root_.vm);
    ASSERT_TRUE(directory);
    const auto secret = directory->parent_path() / "secret";
    {
        std::ofstream file(secret);
        file << "secret" << std::string(1018, '.');
    }
    std::filesystem::create_symlink(secret, *directory / "planted.img");
    std::filesystem::create_symlink(secret, *directory / "root-dirty.img");
    std::filesystem::create_symlink(secret, *directory / "root.img.9@2020-01-01T00:00:00Z");
    std::filesystem::create_symlink(secret, *directory / "root-precache.img");
    reboot();
    EXPECT_FALSE(exists(path("fedora", "planted")));
    EXPECT_EQ(view(root_).revisions.find(revision_at(0)), nullptr);
    EXPECT_FALSE(view(root_).session);
    if (const auto started = try_start(root_)) {  // a refusal is right as well
        write_device(root_, "written");
        (void)execute(root_, api::Stop{api::Stop::Outcome::Commit, unlimited()});  // whatever it says, the secret is what counts
    }
    std::ifstream file(secret);
    std::string text(6, '\0');
    file.read(text.data(), 6);
    EXPECT_EQ(text, "secret");
    EXPECT_EQ(std::filesystem::file_size(secret), 1024U);
    std::filesystem::remove(secret);
}

TEST_P(FileContractTest, APlantedSymlinkIsNoCommittedState) {
    create(root_, origin());
    const auto directory = place_->directory(root_.vm);
    ASSERT_TRUE(directory);
    std::filesystem::remove(*directory / "root.img");
    std::filesystem::create_symlink("/etc/passwd", *directory / "root.img");
    reboot();
    if (!exists(root_)) return;
    EXPECT_FALSE(view(root_).committed);
    EXPECT_FALSE(succeeded(open_state(root_)));
}

}  // namespace
}  // namespace varve::contract
