// SPDX-License-Identifier: LGPL-2.1-or-later
// Processes that commit numbered states, and tell which ones were reported as committed.
#pragma once

#include "tests/support/mount_fixture.h"

#include <fcntl.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace varve::test_support {

inline constexpr std::size_t state_size = 64 << 10;

// A state that says its number in every sector.
[[nodiscard]] std::string state_content(std::size_t number);
// Its number, or nullopt when it is not one whole state.
[[nodiscard]] std::optional<std::size_t> whole_state(const std::string& content);

struct Progress {
    std::size_t attempted = 0;  // the highest number whose transaction was begun
    std::size_t reported = 0;   // the highest number whose close (or rename) returned success
};

// Every state of a volume, as its revisions and committed content show it.
[[nodiscard]] std::vector<std::string> states_of(const Path& vm, const std::string& volume);

// Fails the test unless all states are whole, none was never written, and of those reported none is missing. `unreported`: those that were
// begun when a crash came; they are there or not.
void expect_nothing_lost(const Path& vm, const std::string& volume, const Progress& progress, const std::set<std::size_t>& unreported);

enum class WriteStyle { Truncating, InPlace, Scratch, Slowly };

// Commits states to one volume until an operation fails.
class LoadProcess {
public:
    // The first state is number `after` + 1.
    LoadProcess(Path volume, WriteStyle style, std::size_t after);
    ~LoadProcess();
    LoadProcess(const LoadProcess&) = delete;
    LoadProcess& operator=(const LoadProcess&) = delete;

    [[nodiscard]] Progress progress() const;
    // What ended it: "close of state 7: EIO (...)"; how far it came when it has not ended.
    [[nodiscard]] std::string ending() const;
    // Waits for its end.
    [[nodiscard]] Progress finish();

private:
    int run(const Path& volume, WriteStyle style, std::size_t after) const;
    int fail(const char* call, Errno why) const;

    struct Shared;
    Shared* shared_;  // a mapping that both processes have
    std::unique_ptr<Child> child_;
};

}  // namespace varve::test_support
