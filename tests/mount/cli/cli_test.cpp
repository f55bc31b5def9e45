// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/mount/cli/cli_test.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace varve::test_support {
namespace {

std::string line_of(const Words& arguments) {
    std::string text = "varve";
    for (const auto& argument : arguments) text += " " + argument.substr(0, 100);
    return text;
}

}  // namespace

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool is_open_in(const Path& directory) {
    for (const auto& process : list_directory("/proc")) {
        if (process.find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code gone;
        for (std::filesystem::directory_iterator at("/proc/" + process + "/fd", gone), end; !gone && at != end; at.increment(gone)) {
            std::error_code closed;
            if (std::filesystem::read_symlink(at->path(), closed).string().starts_with(directory.string() + "/")) return true;
        }
    }
    return false;
}

bool has_escapes(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f; });
}

void CliTest::SetUp() {
    MountTest::SetUp();
    ASSERT_EQ(make_state(data(), old_content_, first_time), ok);
    ASSERT_EQ(names(), Names{"data.img"});
}

Finished CliTest::run_varve(std::pair<std::string, std::string> variable, std::string input, Words arguments) const {
    Program program;
    program.input = std::move(input);
    arguments.insert(arguments.begin(), VARVE_BINARY);
    program.arguments = std::move(arguments);
    program.environment = {std::move(variable), {"VARVE_RUNTIME_DIR", daemon().runtime_directory().string()}};
    program.directory = stage().directory();
    const auto finished = run_program(program);
    EXPECT_TRUE(finished) << finished.error().message();
    return finished ? *finished : Finished{};
}

Finished CliTest::varve_in_shell(const Path& directory, const std::string& line, const std::string& argument) const {
    Program program;
    program.arguments = {"bash", "-o", "pipefail", "-c", line, VARVE_BINARY, argument};
    program.environment = {{"VARVE_MOUNT", mount().string()}};
    program.directory = directory;
    const auto finished = run_program(program);
    EXPECT_TRUE(finished) << finished.error().message();
    return finished ? *finished : Finished{};
}

Finished CliTest::varve_with(std::pair<std::string, std::string> variable, Words arguments) const {
    return run_varve(std::move(variable), "", std::move(arguments));
}

Finished CliTest::varve_fed(std::string input, Words arguments) const {
    return run_varve({"VARVE_MOUNT", mount().string()}, std::move(input), std::move(arguments));
}

Finished CliTest::varve(Words arguments) const { return varve_with({"VARVE_MOUNT", mount().string()}, std::move(arguments)); }

std::string CliTest::must_varve(Words arguments) const {
    const auto line = line_of(arguments);
    const auto finished = varve(std::move(arguments));
    EXPECT_EQ(finished.exit_status, 0) << line << ": " << finished.describe();
    EXPECT_EQ(finished.errors, "") << line;
    EXPECT_FALSE(has_escapes(finished.output)) << line;
    return finished.output;
}

Reply CliTest::json_of(Words arguments) const {
    arguments.insert(arguments.begin(), "--json");
    return {ok, must_varve(std::move(arguments))};
}

void CliTest::expect_refused_with(int status, const Words& arguments, std::initializer_list<std::string_view> reason) const {
    SCOPED_TRACE(line_of(arguments));
    const auto before = tree();
    const auto plain = varve(arguments);
    EXPECT_EQ(plain.exit_status, status) << plain.describe();
    EXPECT_EQ(plain.output, "");
    EXPECT_TRUE(plain.errors.starts_with("varve: ") && plain.errors.ends_with('\n')) << plain.errors;
    EXPECT_FALSE(has_escapes(plain.errors)) << plain.errors;
    for (const auto part : reason) EXPECT_TRUE(has(plain.errors, part)) << "no '" << part << "' in " << plain.errors;
    auto with_json = arguments;
    with_json.insert(with_json.begin(), "--json");
    const auto json = varve(with_json);
    EXPECT_EQ(json.exit_status, status) << json.describe();
    const Reply object{ok, json.errors.substr(0, json.errors.find('\n'))};
    EXPECT_EQ(object.at("/error/exit"), std::to_string(status)) << json.errors;
    EXPECT_NE(object.at("/error/code"), "");
    EXPECT_FALSE(has_escapes(json.errors)) << json.errors;
    for (const auto part : reason) EXPECT_TRUE(has(object.at("/error/message"), part)) << "no '" << part << "' in " << json.errors;
    EXPECT_EQ(tree(), before) << "a refused command has changed something";
}

int CliTest::interrupt(const Words& arguments, int signal, const std::function<bool()>& begun, int input) const {
    Words words = arguments;
    words.insert(words.begin(), {VARVE_BINARY, "--mount", mount().string()});
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const auto log = (stage().directory() / "interrupted.log").string();
    Child child([&] {
        const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || ::dup2(input, STDIN_FILENO) < 0 || ::dup2(fd, STDOUT_FILENO) < 0 || ::dup2(fd, STDERR_FILENO) < 0) return 126;
        ::execv(VARVE_BINARY, pointers.data());
        return 127;
    });
    EXPECT_TRUE(eventually(begun));
    child.kill(signal);
    const int status = child.wait();
    const auto said = read_file(log);
    EXPECT_TRUE(said.starts_with("varve: ") && has(said, "nterrupted")) << said;
    return status;
}

void CliTest::forget_other_mounts() const {
    std::istringstream table(read_file("/proc/self/mountinfo"));
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string skipped;
        std::string point;
        fields >> skipped >> skipped >> skipped >> skipped >> point;
        if (has(line, " - fuse.varve ") && point != mount().string()) {
            EXPECT_EQ(::umount2(point.c_str(), MNT_DETACH), 0) << point;
        }
    }
}

std::map<std::string, std::string> CliTest::tree() const {
    std::map<std::string, std::string> shown;
    for (const auto& name : names()) shown[name] = open_and_close(at(name), O_RDONLY) == ok ? read_file(at(name)) : "unreadable";
    for (const auto& name : list_directory(pool())) shown["fast/" + name] = "";
    for (const auto& name : list_directory(mount() / "pools")) shown["pools/" + name] = "";
    return shown;
}

}  // namespace varve::test_support
