// SPDX-License-Identifier: LGPL-2.1-or-later
// The real `varve` on the real mount.
#pragma once

#include "tests/support/mount_fixture.h"
#include "tests/support/run_program.h"

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::test_support {

using Names = std::vector<std::string>;
using Words = std::vector<std::string>;

inline constexpr std::int64_t first_time = 1'500'000'000;   // 2017-07-14T02:40:00Z
inline constexpr std::int64_t second_time = 1'500'000'100;  // 2017-07-14T02:41:40Z
inline constexpr const char* first_name = "2017-07-14T02:40:00Z";
inline constexpr std::size_t volume_size = 64 << 10;

// varve(1), EXIT STATUS.
struct Exit {
    static constexpr int failed = 1;
    static constexpr int usage = 2;
    static constexpr int no_mount = 3;
    static constexpr int not_found = 4;
    static constexpr int busy = 5;
    static constexpr int interrupted = 130;
};

// A VM with one origin volume, data.img, in its first state.
class CliTest : public MountTest {
protected:
    void SetUp() override;

    [[nodiscard]] std::string vm_name() const { return "fast/" + vm(); }
    [[nodiscard]] std::string data_name() const { return vm_name() + "/data"; }
    [[nodiscard]] Path data() const { return at("data.img"); }
    [[nodiscard]] Path data_old() const { return revision("data", first_time); }

    // VARVE_MOUNT leads to the shared mount unless the environment says otherwise.
    [[nodiscard]] Finished varve(Words arguments) const;
    [[nodiscard]] Finished varve_with(std::pair<std::string, std::string> variable, Words arguments) const;
    // With this file as standard input.
    [[nodiscard]] Finished varve_fed(std::string input, Words arguments) const;
    // The line run by a shell in this directory, with "$0" the program under test and "$1" this argument.
    [[nodiscard]] Finished varve_in_shell(const Path& directory, const std::string& line, const std::string& argument) const;
    // Expects exit status 0 and silence on standard error; its standard output.
    std::string must_varve(Words arguments) const;
    // The same with --json: the value at the JSON pointer of what it printed, see Reply::at.
    [[nodiscard]] Reply json_of(Words arguments) const;
    // Expects this status, silence on standard output, one reason with all these words on standard error in the plain form, the same status in the
    // JSON form, and a tree that shows what it showed before.
    void expect_refused_with(int status, const Words& arguments, std::initializer_list<std::string_view> reason) const;
    // Starts it with this descriptor as standard input, signals it as soon as `begun` holds, and gives its exit status. It must say that it was
    // interrupted.
    int interrupt(const Words& arguments, int signal, const std::function<bool()>& begun, int input = 0) const;
    // Names and contents of everything in the VM's directory and the names in its pool.
    [[nodiscard]] std::map<std::string, std::string> tree() const;

    // Leaves ours as the only Varve mount of this process and its children; their mounts are their own (enter_private_mounts).
    void forget_other_mounts() const;

    [[nodiscard]] Finished run_varve(std::pair<std::string, std::string> variable, std::string input, Words arguments) const;

    const std::string old_content_ = pattern('a', volume_size);
    const std::string new_content_ = pattern('b', volume_size);
};

[[nodiscard]] bool has(std::string_view text, std::string_view part);
// Whether any process has a file of this directory open, also one without a name.
[[nodiscard]] bool is_open_in(const Path& directory);
// Control characters other than the newline: what a terminal would obey.
[[nodiscard]] bool has_escapes(std::string_view text);

}  // namespace varve::test_support
