// SPDX-License-Identifier: LGPL-2.1-or-later
// mount.varve: what `mount -t varve FILE DIRECTORY` and fstab run. It starts the varvefs that lies beside it.
#include "drivers/base/argument_vector.h"
#include "drivers/base/result.h"
#include "mount-helpers/mount_request.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace varve;

// mount(8), EXIT STATUS.
constexpr int wrong_usage = 1;
constexpr int system_error = 2;
constexpr int internal_error = 4;
constexpr int mount_failure = 32;

constexpr const char* usage =
    "usage: mount.varve FILE DIRECTORY [-sfnv] [-o OPTIONS]\n"
    "Run by mount(8): mount -t varve /etc/varve/varve.toml /varve\n"
    "or by a line of /etc/fstab: /etc/varve/varve.toml /varve varve defaults 0 0\n";

std::vector<std::string> command_for(const mount_helpers::MountRequest& request) {
    auto command = std::vector<std::string>{std::filesystem::read_symlink("/proc/self/exe").replace_filename("varvefs")};
    if (!request.config.empty()) command.insert(command.end(), {"--config", request.config});
    if (request.fake) command.emplace_back("--check");
    if (!request.fake) command.push_back(request.directory);
    return command;
}

// varvefs returns when the mount is there. No deadline: mount(8) has none either, and an interrupt from the terminal reaches all three.
base::Result<int> run(std::vector<std::string> command) {
    pid_t child = 0;
    if (const int error = ::posix_spawn(&child, command.front().c_str(), nullptr, nullptr, base::argument_vector(command).data(), environ);
        error != 0)
        return base::fail_errno(error, "cannot run " + command.front());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return base::fail_errno(errno, "cannot wait for varvefs");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : mount_failure;
}

int mount_varve(const std::vector<std::string>& arguments) {
    const auto request = mount_helpers::parse_mount_request(arguments);
    if (!request) {
        std::cerr << "mount.varve: " << request.error().message() << '\n' << usage;
        return wrong_usage;
    }
    const auto command = command_for(*request);
    if (request->verbose) {
        std::cout << "mount.varve:";
        for (const auto& word : command) std::cout << ' ' << word;
        std::cout << std::endl;  // before varvefs says something
    }
    const auto ended = run(command);
    if (ended) return *ended;
    std::cerr << "mount.varve: " << ended.error().message() << '\n';
    return system_error;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h")) {
        std::cout << usage;
        return 0;
    }
    try {
        return mount_varve({argv + 1, argv + argc});
    } catch (const std::exception& bug) {
        std::cerr << "mount.varve: internal error: " << bug.what() << '\n';
        return internal_error;
    }
}
