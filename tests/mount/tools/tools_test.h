// SPDX-License-Identifier: LGPL-2.1-or-later
// Real programs on the real mount.
#pragma once

#include "tests/support/mount_fixture.h"
#include "tests/support/run_program.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace varve::test_support {

using Names = std::vector<std::string>;

inline constexpr std::int64_t first_time = 1'500'000'000;   // 2017-07-14T02:40:00Z
inline constexpr std::int64_t second_time = 1'500'000'100;  // 2017-07-14T02:41:40Z
inline constexpr std::size_t volume_size = 1 << 20;

class ToolsTest : public MountTest {
protected:
    void SetUp() override;
    void TearDown() override;

    // Runs it and expects exit status 0; what it printed.
    std::string run(std::vector<std::string> arguments) const;
    [[nodiscard]] Finished run_unchecked(std::vector<std::string> arguments) const;
    // A script for bash, run in the VM's directory; expects exit status 0.
    std::string shell(const std::string& script) const;

    // An ordinary directory outside of the mount, removed with the test.
    [[nodiscard]] const Path& outside() const { return outside_; }
    [[nodiscard]] Path out(const std::string& name) const { return outside_ / name; }
    [[nodiscard]] Path make_plain_file(const std::string& name, std::string_view content, std::int64_t seconds) const;

    [[nodiscard]] Path data() const { return at("data.img"); }
    [[nodiscard]] Path data_old() const { return revision("data", first_time); }
    // data.img with an earlier state and a label, sparse.img, a link to data.img: all that a tree can hold.
    void make_rich_vm() const;
    // Path -> type, content, time, size and whether it is sparse. What a backup must bring back.
    [[nodiscard]] static std::map<std::string, std::string> describe_tree(const Path& top);
    // Everything is committed, nothing is left open, and no scratch file stays.
    void expect_settled(const Path& directory) const;
    void expect_one_commit(const std::string& content) const;

    const std::string old_content_ = pattern('a', volume_size);
    const std::string new_content_ = pattern('b', volume_size);

    std::vector<std::pair<std::string, std::string>> environment_;

private:
    Path outside_;
};

}  // namespace varve::test_support
