// SPDX-License-Identifier: LGPL-2.1-or-later
// varve-orchestrator on a real mount.
#pragma once

#include "tests/orchestrator/running.h"
#include "tests/support/varve_daemon.h"

#include <set>

namespace varve::tests {

// One mount for all tests; each has an orchestrator, and a pool of its own on it.
class MountedOrchestrator : public RunningOrchestrator {
public:
    static inline test_support::VarveDaemon* daemon = nullptr;
    static inline std::filesystem::path disk;

protected:
    void SetUp() override {
        Orchestrator::SetUp();
        pool_ = directory_.filename().string();
        std::filesystem::create_directory(disk / pool_);
        (void)must({"pool", "add", pool_, "file-reflink", "dir_path=" + (disk / pool_).string()});
        start_orchestrator();
    }

    [[nodiscard]] std::filesystem::path mountpoint() const override { return daemon->mountpoint(); }
    [[nodiscard]] std::filesystem::path pool() const { return mountpoint() / "pools" / pool_; }
    [[nodiscard]] std::string at(const std::string& volume) const { return pool_ + "/" + volume; }
    // What varvefs says about a volume, as "kind".
    [[nodiscard]] std::string control(const std::string& vm, const std::string& volume, const std::string& file) const {
        std::string text;
        std::getline(std::ifstream(pool() / vm / ".varve" / volume / file), text);
        return text;
    }
    // The name that `disp run` prints.
    [[nodiscard]] std::string run(std::vector<std::string> arguments = {"--template", "dvm"}) const {
        arguments.insert(arguments.begin(), {"disp", "run"});
        auto name = must(std::move(arguments));
        if (!name.empty()) name.pop_back();
        return name;
    }
    [[nodiscard]] std::string must(std::vector<std::string> arguments) const {
        int status = 0;
        auto said = varve(std::move(arguments), &status);
        EXPECT_EQ(status, 0) << said;
        return said;
    }
    // The VMs that there are.
    [[nodiscard]] std::set<std::string> listed() const {
        std::set<std::string> names;
        const auto list = nlohmann::json::parse(must({"--json", "vm", "ls", "--all"}));
        for (const auto& vm : list["vms"]) names.insert(vm["vm"].get<std::string>());
        return names;
    }
    // The VMs that have a place in the pool.
    [[nodiscard]] std::set<std::string> directories() const {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(pool()))
            if (entry.path().filename() != ".varve") names.insert(entry.path().filename());
        return names;
    }

    std::string pool_;
};

}  // namespace varve::tests
