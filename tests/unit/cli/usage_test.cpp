// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/cli/session.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>
#include <utility>

namespace varve::cli {
namespace {

using Usage = testing::Session;
using Words = std::vector<std::string>;

// The names under "Subcommands:".
Words commands_in(const std::string& help) {
    Words found;
    std::istringstream lines(help.substr(std::min(help.size(), help.find("\nSubcommands:\n") + 14)));
    for (std::string line; std::getline(lines, line) && line.starts_with("  ");)
        if (line[2] != ' ') found.push_back(line.substr(2, line.find(' ', 2) - 2));
    return found;
}

TEST_F(Usage, HelpWithExamplesOnEveryLevel) {
    std::size_t levels = 0;
    std::vector<Words> waiting{{}};
    while (!waiting.empty()) {
        const auto command = waiting.back();
        waiting.pop_back();
        ++levels;
        auto arguments = command;
        arguments.push_back("--help");
        const auto ran = run(arguments);
        EXPECT_EQ(ran.code, ExitCode::Ok);
        EXPECT_NE(ran.out.find("Examples:\n  varve "), std::string::npos) << ran.out;
        for (const auto& name : ran.out.find("\nSubcommands:\n") == std::string::npos ? Words{} : commands_in(ran.out)) {
            waiting.push_back(command);
            waiting.back().push_back(name);
        }
    }
    EXPECT_GT(levels, 60U);
}

// The one that was meant, as far as it is known.
TEST_F(Usage, AMistakeNamesTheHelpThatExplainsIt) {
    const std::vector<std::pair<Words, std::string>> mistakes{
        {{"nonsense"}, "varve: there is no command 'varve nonsense'; 'varve --help' lists them\n"},
        {{"\x1b[31m"}, "varve: there is no command 'varve \\x1b[31m'; 'varve --help' lists them\n"},
        {{"pool", "list"}, "varve: there is no command 'varve pool list'; 'varve pool --help' lists them\n"},
        {{"vm", "-q", "boot"}, "varve: there is no command 'varve vm boot'; 'varve vm --help' lists them\n"},
        {{"create", "p/v/new", "--nonsense"},
         "varve: The following argument was not expected: --nonsense; 'varve create --help' explains the usage\n"},
        {{"preload", "max"}, "; 'varve preload max --help' explains the usage\n"},
        {{"--nonsense"}, "; 'varve --help' explains the usage\n"}};
    for (const auto& [words, told] : mistakes) {
        const auto ran = run(words);
        EXPECT_EQ(ran.code, ExitCode::Usage);
        EXPECT_TRUE(ran.err.ends_with(told)) << ran.err;
    }
}

TEST_F(Usage, VersionNeedsNoMount) {
    variable = "";
    const auto ran = run({"--version"});
    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_EQ(ran.out, "varve " VARVE_VERSION "\n");
}

TEST_F(Usage, MistakesExitWithTwoAndChangeNothing) {
    const std::vector<Words> mistakes{{},
                                      {"nonsense"},
                                      {"ls", "a", "b"},
                                      {"--nonsense", "ls"},
                                      {"info"},
                                      {"info", "p"},
                                      {"info", "p/v/root@x"},
                                      {"start"},
                                      {"start", "p"},
                                      {"start", "p/v/root@x"},
                                      {"stop", "p/v/Root"},
                                      {"create"},
                                      {"create", "p"},
                                      {"create", "p/v", "1M"},
                                      {"create", "p/v/new"},
                                      {"create", "p/v/new@x", "1M"},
                                      {"create", "p/v/new", "1M", "--kind", "nonsense"},
                                      {"create", "p/v/new", "1M", "--source", "p/v/root"},
                                      {"create", "p/v/new", "1M", "--ephemeral"},
                                      {"create", "p/v/new", "--kind", "snapshot"},
                                      {"create", "p/v/new", "--source", "p/v/root", "--kind", "origin"},
                                      {"create", "p/v/new", "nonsense"},
                                      {"rm"},
                                      {"rm", "p"},
                                      {"rm", "p/v/Root"},
                                      {"pin", "p/v/root", "x"},
                                      {"pin", "p/v/root@x"},
                                      {"pin", "p/v/root@x", "x"},
                                      {"pin", "p/v/root@x", "2018-01-02T03:04:05Z"},
                                      {"prune"},
                                      {"prune", "p/v/root@x"},
                                      {"verify", "p/v/root@x"},
                                      {"revert", "p/v/root"},
                                      {"revert", "p/v/root@a", "b"},
                                      {"revert", "p/v/root", "current"},
                                      {"revert", "p/v"},
                                      {"snapshot", "p/v/root"},
                                      {"snapshot", "p/v/root", "2018-01-02T03:04:05Z"},
                                      {"snapshot", "p/v/root", "current"},
                                      {"resize", "p/v/root"},
                                      {"resize", "p/v/root", "x"},
                                      {"resize", "p/v/root", "+"},
                                      {"resize", "p/v/root", "99999999999999999999"},
                                      {"clone", "p/v/root"},
                                      {"clone", "p", "q"},
                                      {"clone", "p/v", "p/w/root"},
                                      {"clone", "p/v/root", "p/v/root"},
                                      {"clone", "-f", "p/v", "p/w"},
                                      {"import", "x"},
                                      {"import", "x", "p/v"},
                                      {"import", "x", "p/v/root@label"},
                                      {"import", "", "p/v/new"},
                                      {"import", "--size", "x", "-", "p/v/new"},
                                      {"export", "p/v/root"},
                                      {"export", "p/v", "x"},
                                      {"export", "p/v/root", ""},
                                      {"export", "--force", "p/v/root", "-"},
                                      {"export", "--sparse", "p/v/root", "-"},
                                      {"pool"},
                                      {"pool", "add", "x"},
                                      {"pool", "add", "/x", "sim"},
                                      {"pool", "add", "x", "sim", "novalue"},
                                      {"pool", "add", "x", "sim", "=v"},
                                      {"pool", "rm", "p/v"},
                                      {"pool", "rm"},
                                      {"pool", "info"},
                                      {"ls", "/etc"},
                                      {"start", tree.at("pools/p/v/.varve")}};
    for (const auto& words : mistakes) {
        const auto ran = run(words);
        EXPECT_EQ(ran.code, ExitCode::Usage) << (words.empty() ? "" : words.front() + " " + words.back()) << ": " << ran.err;
        EXPECT_TRUE(ran.err.starts_with("varve: ")) << ran.err;
        EXPECT_EQ(ran.out, "");
    }
    EXPECT_EQ(tree.get(".varve/ctl") + tree.get("pools/p/v/.varve/ctl") + tree.get("pools/p/v/.varve/root/ctl"), "");
}

TEST_F(Usage, TheMountIsFoundInTheMountTable) {
    variable = "";
    tree.put("mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    const auto none = run({"ls"});
    EXPECT_EQ(none.code, ExitCode::NoMount);
    EXPECT_NE(none.err.find("varvefs --config"), std::string::npos);
    tree.put("mountinfo", "36 22 0:51 / " + tree.root() + " rw - fuse.varve v rw\n");
    EXPECT_EQ(run({"ls"}).code, ExitCode::Ok);
    tree.put("mountinfo", tree.get("mountinfo") + "37 22 0:52 / /other rw - fuse.varve v rw\n");
    EXPECT_EQ(run({"ls"}).code, ExitCode::NoMount);
    EXPECT_EQ(run({"--mount", tree.root(), "ls"}).code, ExitCode::Ok);
    EXPECT_EQ(run({"ls", "--mount", tree.root()}).code, ExitCode::Ok);
}

TEST_F(Usage, TheOptionIsStrongerThanTheVariable) {
    variable = "/nonexistent";
    EXPECT_EQ(run({"ls"}).code, ExitCode::NoMount);
    EXPECT_EQ(run({"--mount", tree.root(), "ls"}).code, ExitCode::Ok);
}

TEST_F(Usage, FailuresAreJsonWhenAskedFor) {
    const auto ran = run({"--json", "info", "p/v/none"});
    EXPECT_EQ(ran.code, ExitCode::NotFound);
    const auto error = nlohmann::json::parse(ran.err).at("error");
    EXPECT_EQ(error.at("code"), "not-found");
    EXPECT_EQ(error.at("exit"), 4);
    EXPECT_EQ(error.at("message"), "p/v/none does not exist");
    EXPECT_EQ(nlohmann::json::parse(run({"--json", "resize", "p/v/root", "x"}).err).at("error").at("exit"), 2);
}

}  // namespace
}  // namespace varve::cli
