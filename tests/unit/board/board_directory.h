// SPDX-License-Identifier: LGPL-2.1-or-later
// A runtime directory of a test's own, and the boards in it.
#pragma once

#include "fs/board/board_file.h"
#include "fs/protocol/board_place.h"
#include "orchestrator/board_reader/find_board.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace varve::board_test {

inline const std::string this_boot = [] {
    std::string text;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> text;
    return text;
}();

// A machine on which the test says who lives.
class FakeMachine final : public board_reader::Machine {
public:
    [[nodiscard]] bool lives(const protocol::BoardWriter&) const override { return alive; }
    bool alive = true;
};

class BoardDirectory : public testing::Test {
protected:
    BoardDirectory() {
        auto pattern = (std::filesystem::temp_directory_path() / "varve-board-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
        top_ = std::filesystem::canonical(pattern);
        std::filesystem::create_directory(top_ / "mnt");
    }
    ~BoardDirectory() override {
        std::error_code ignored;
        std::filesystem::remove_all(top_, ignored);
    }

    [[nodiscard]] std::filesystem::path runtime() const { return top_ / "run"; }
    [[nodiscard]] std::string mountpoint() const { return (top_ / "mnt").string(); }
    [[nodiscard]] std::filesystem::path board_path() const { return runtime() / "boards" / protocol::board_file_name(mountpoint()); }

    [[nodiscard]] board::BoardFile make() const {
        auto made = board::BoardFile::make(runtime(), mountpoint(), this_boot, {1'600'000'000, 0});
        if (!made) throw std::runtime_error(made.error().message());
        return *std::move(made);
    }
    [[nodiscard]] board::BoardFile published() const {
        auto file = make();
        if (const auto done = file.publish(); !done) throw std::runtime_error(done.error().message());
        return file;
    }
    [[nodiscard]] board_reader::BoardFinder finder() const { return board_reader::BoardFinder::make(runtime(), mountpoint()).value(); }
    [[nodiscard]] base::Result<board_reader::BoardSnapshot> look() const { return finder().read(machine_); }

    std::filesystem::path top_;
    FakeMachine machine_;
};

}  // namespace varve::board_test
