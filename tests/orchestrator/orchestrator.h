// SPDX-License-Identifier: LGPL-2.1-or-later
// varve-orchestrator as a process, on libvirt's test driver unless told otherwise, and `varve` to ask it.
#pragma once

#include "orchestrator/rpc_client/client.h"
#include "tests/support/waiting.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace varve::tests {

using test_support::eventually;
using test_support::patience;

// A child, killed when it goes.
class Process {
public:
    explicit Process(std::vector<std::string> arguments, const std::filesystem::path& log, std::vector<std::string> environment = {}) {
        for (char** each = environ; *each != nullptr; ++each) environment.emplace_back(*each);
        std::vector<char*> argv;
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        std::vector<char*> variables;
        for (auto& variable : environment) variables.push_back(variable.data());
        variables.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
        EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), variables.data()), 0);
        ::posix_spawn_file_actions_destroy(&actions);
    }
    ~Process() {
        if (pid_ > 0) (void)end(SIGKILL);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // The exit status, or -signal.
    int end(int signal) {
        if (signal != 0) ::kill(pid_, signal);
        int status = 0;
        EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    int wait() { return end(0); }
    void send(int signal) const { EXPECT_EQ(::kill(pid_, signal), 0); }

private:
    pid_t pid_ = -1;
};

class Orchestrator : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(make_directory());
        std::ofstream(config()) << "socket = \"" << socket().string() << "\"\nstate_dir = \"" << (directory_ / "state").string()
                                << "\"\nruntime_dir = \"" << (directory_ / "run").string() << "\"\nmountpoint = \"" << mountpoint().string()
                                << "\"\nhypervisor = \"" << hypervisor()
                                << "\"\n[[right]]\nuser = 65534\nverbs = [\"see\"]\nvms = [\"@shared\"]\n";
    }
    virtual void make_directory() {
        std::string pattern = testing::TempDir() + "varve-orch-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override {
        if (HasFailure()) std::cerr << log() << '\n';
        std::filesystem::remove_all(directory_);
    }

    // What is kept of VMs is their definitions, where there is no mount.
    virtual std::filesystem::path mountpoint() const { return directory_ / "mount"; }
    virtual std::string hypervisor() const { return "test:///default"; }
    // The program, with its arguments, that is to start it; none: the test does.
    virtual std::vector<std::string> under() const { return {}; }
    std::filesystem::path config() const { return directory_ / "orchestrator.toml"; }
    std::filesystem::path socket() const { return directory_ / "socket"; }
    std::string log() const {
        std::ostringstream text;
        text << std::ifstream(directory_ / "log").rdbuf();
        return text.str();
    }
    std::unique_ptr<Process> start() {
        auto words = under();
        words.insert(words.end(), {ORCHESTRATOR, "--config", config()});
        return std::make_unique<Process>(words, directory_ / "log");
    }
    rpc_client::Client connected() const {
        const auto end = std::chrono::steady_clock::now() + patience;
        for (;;) {
            auto client = rpc_client::Client::connect(socket());
            if (client || std::chrono::steady_clock::now() > end) return *std::move(client);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    // What `varve` says.
    std::string varve(std::vector<std::string> arguments, int* status = nullptr) const {
        const auto said = directory_ / "said";
        std::filesystem::remove(said);
        arguments.insert(arguments.begin(), {VARVE, "--socket", socket().string(), "--mount", mountpoint().string()});
        const int code = Process(arguments, said).wait();
        if (status != nullptr) *status = code;
        std::ostringstream text;
        text << std::ifstream(said).rdbuf();
        return text.str();
    }

    std::filesystem::path directory_;
};

}  // namespace varve::tests
