// SPDX-License-Identifier: LGPL-2.1-or-later
// Each command and option that `varve --help` leads to: completed, in the manual, and answering in JSON.
#include "tests/mount/cli/completion.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace varve::test_support {
namespace {

using nlohmann::json;

struct HelpOption {
    std::string letter;  // "-f", or empty
    std::string name;    // "--force"
};

// A page of help. `path` is empty for `varve` itself.
struct HelpPage {
    Words path;
    std::vector<HelpOption> options;
    Names commands;
    std::size_t arguments = 0;  // all there can be

    [[nodiscard]] std::string line() const {
        std::string text = "varve";
        for (const auto& word : path) text += " " + word;
        return text;
    }
};

HelpPage parse_help(Words path, const std::string& text) {
    static const std::regex option(R"(  (?:(-\w),)?(--[a-z-]+)\b.*)");
    static const std::regex command(R"(  ([a-z][a-z-]*) .*)");
    HelpPage page{std::move(path), {}, {}, 0};
    std::istringstream lines(text);
    std::string heading;
    for (std::string line; std::getline(lines, line);) {
        std::smatch found;
        if (line.ends_with(':') && !line.starts_with(' '))
            heading = line;
        else if (line.empty())
            heading.clear();
        else if (heading == "Options:" && std::regex_match(line, found, option))
            page.options.push_back({found[1], found[2]});
        else if (heading == "Subcommands:" && std::regex_match(line, found, command))
            page.commands.push_back(found[1]);
        else if (heading == "Positionals:" && line.starts_with("  ") && !line.starts_with("   "))
            ++page.arguments;
    }
    return page;
}

Names names_of(const std::vector<HelpOption>& options) {
    Names names;
    std::ranges::transform(options, std::back_inserter(names), &HelpOption::name);
    return names;
}

class CliHelpTreeTest : public CliCompletionTest {
protected:
    void SetUp() override {
        CliCompletionTest::SetUp();
        pages_.push_back(page({}));
        for (std::size_t i = 0; i < pages_.size(); ++i)
            for (const auto& command : Names(pages_[i].commands)) {
                auto path = pages_[i].path;
                path.push_back(command);
                pages_.push_back(page(std::move(path)));
            }
        ASSERT_GT(pages_.size(), 60U) << "the help is not what this test can read";
    }

    [[nodiscard]] HelpPage page(Words path) const {
        auto words = path;
        words.emplace_back("--help");
        return parse_help(std::move(path), must_varve(std::move(words)));
    }
    [[nodiscard]] const HelpPage& whole() const { return pages_.front(); }

    // What the manual says of the command: all sections whose headings have it.
    [[nodiscard]] static std::string manual_of(const HelpPage& page) {
        static const auto manual = read_file(std::string(VARVE_MANUALS) + "/varve.1.md");
        const std::regex heading("## (.*, )?" + page.line() + "( .*|,.*|)");
        std::string text;
        bool inside = false;
        std::istringstream lines(manual);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with('#')) inside = std::regex_match(line, heading);
            if (inside) text += line + "\n";
        }
        return text;
    }

    std::vector<HelpPage> pages_;
};

TEST_F(CliHelpTreeTest, BashCompletesItAllAndNothingElse) {
    for (const auto& page : pages_) {
        SCOPED_TRACE(page.line());
        auto options = names_of(whole().options);
        std::ranges::copy(names_of(page.options), std::back_inserter(options));
        const std::set<std::string> expected(options.begin(), options.end());
        EXPECT_EQ(complete(page.line() + " --"), Names(expected.begin(), expected.end()));
        if (page.commands.empty()) continue;
        auto commands = page.commands;
        std::ranges::sort(commands);
        EXPECT_EQ(complete(page.line() + " "), commands);
    }
}

TEST_F(CliHelpTreeTest, TheManualNamesItAll) {
    const auto manual = read_file(std::string(VARVE_MANUALS) + "/varve.1.md");
    for (const auto& option : whole().options) EXPECT_TRUE(has(manual, "**" + option.name + "**")) << option.name;
    for (const auto& page : pages_) {
        if (!page.commands.empty()) continue;
        const auto text = manual_of(page);
        EXPECT_NE(text, "") << page.line() << " has no heading";
        for (const auto& [letter, name] : page.options) {
            if (name == "--help") continue;
            EXPECT_TRUE(std::regex_search(text, std::regex(R"(\*\*)" + name + R"([* \]])"))) << page.line() << " " << name;
            if (letter.empty()) continue;
            EXPECT_TRUE(std::regex_search(text, std::regex(R"(\*\*-[A-Za-z]*)" + letter.substr(1) + R"([A-Za-z]*\*\*)")))
                << page.line() << " " << letter;
        }
    }
}

// Without arguments, and with as many as it takes, which name nothing that is there.
TEST_F(CliHelpTreeTest, EachCommandAnswersInJson) {
    for (const auto& page : pages_) {
        if (!page.commands.empty()) continue;
        for (const bool filled : {false, true}) {
            Words words{"--json", "--socket", "/nonexistent/socket"};
            words.insert(words.end(), page.path.begin(), page.path.end());
            if (page.path == Words{"top"}) words.insert(words.end(), {"--count", "1"});  // else it never ends
            if (filled) words.insert(words.end(), page.arguments, "absent/vm/volume");
            SCOPED_TRACE(page.line() + (filled ? " with arguments" : ""));
            const auto ran = varve(words);
            EXPECT_EQ(ran.exit_status == 0, ran.errors.empty()) << ran.describe();
            EXPECT_TRUE(ran.exit_status != 0 || !ran.output.empty()) << "no answer";
            std::istringstream errors(ran.errors);
            for (std::string line; std::getline(errors, line);)
                EXPECT_TRUE(json::parse(line, nullptr, false).contains("/error/code"_json_pointer)) << line;
            if (json::accept(ran.output)) continue;
            std::istringstream lines(ran.output);
            for (std::string line; std::getline(lines, line);) EXPECT_TRUE(json::accept(line)) << line;
        }
    }
}

}  // namespace
}  // namespace varve::test_support
