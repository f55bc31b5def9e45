// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/callback/steps.h"

#include <algorithm>
#include <array>

namespace varve::callback {
namespace {

struct Known {
    Step step;
    std::string_view name;
    bool has_after;  // once a pool is set up it works, and nobody tells when what was opened has been read
};
constexpr std::array<Known, 9> known{{{Step::Setup, "setup", false},
                                      {Step::Destroy, "destroy", true},
                                      {Step::Create, "create", true},
                                      {Step::Start, "start", true},
                                      {Step::Stop, "stop", true},
                                      {Step::Remove, "remove", true},
                                      {Step::Resize, "resize", true},
                                      {Step::Import, "import", true},
                                      {Step::Export, "export", false}}};

void add(Moments& moments, const Known& each) {
    moments.insert({When::Before, each.step});
    if (each.has_after) moments.insert({When::After, each.step});
}

base::Result<> add_word(Moments& moments, const std::string& word) {
    for (const auto& each : known) {
        const std::string name(each.name);
        if (word == name) return add(moments, each), base::Result<>();
        if (word == "before-" + name) return moments.insert({When::Before, each.step}), base::Result<>();
        if (word == "after-" + name && each.has_after) return moments.insert({When::After, each.step}), base::Result<>();
    }
    std::string names;
    for (const auto& each : known) names.append(names.empty() ? "" : ", ").append(each.name);
    return base::fail(base::Errc::InvalidArgument, "there is no step '" + word + "'; there are " + names +
                                                       ", each also with before- or, but for setup and export, after- in front");
}

}  // namespace

std::string_view name_of(Step step) { return std::ranges::find(known, step, &Known::step)->name; }
std::string_view name_of(When when) { return when == When::Before ? "before" : "after"; }

std::string Moment::str() const { return std::string(name_of(when)).append(" ").append(name_of(step)); }

Moments standard_moments() {
    Moments moments;
    for (const auto& each : known)
        if (each.step != Step::Export) add(moments, each);
    return moments;
}

base::Result<Moments> parse_moments(std::string_view words) {
    Moments moments;
    for (const auto& word : split_words(words)) TRY(add_word(moments, word));
    if (moments.empty()) return base::fail(base::Errc::InvalidArgument, "no step is named");
    return moments;
}

std::vector<std::string> split_words(std::string_view text) {
    constexpr std::string_view blanks = " \t\n";
    std::vector<std::string> words;
    for (auto begin = text.find_first_not_of(blanks); begin != std::string_view::npos;) {
        const auto end = std::min(text.find_first_of(blanks, begin), text.size());
        words.emplace_back(text.substr(begin, end - begin));
        begin = text.find_first_not_of(blanks, end);
    }
    return words;
}

}  // namespace varve::callback
