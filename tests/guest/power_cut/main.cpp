// SPDX-License-Identifier: LGPL-2.1-or-later
// Works on a pool until the power fails, or checks what is left of it. Runs in the guest; `power-cut` on the host does the rest.
#include "tests/guest/power_cut/check.h"
#include "tests/guest/power_cut/work.h"

#include <cstdlib>
#include <iostream>
#include <span>
#include <string_view>

namespace {

using varve::base::Result;
namespace power_cut = varve::power_cut;

constexpr auto usage =
    "usage: power_cut work DRIVER JOURNAL many|one SEED KEY=VALUE...\n"
    "       power_cut check DRIVER JOURNAL KEY=VALUE...\n"
    "many|one: how many revisions with a time the driver keeps; KEY=VALUE: the pool's parameters\n";

std::map<std::string, std::string> parameters(std::span<char*> words) {
    std::map<std::string, std::string> all;
    for (const std::string_view word : words) all.emplace(word.substr(0, word.find('=')), word.substr(word.find('=') + 1));
    return all;
}

Result<std::string> work(std::span<char*> words) {
    const auto timed = std::string_view(words[2]) == "one" ? power_cut::TimedRevisions::One : power_cut::TimedRevisions::Many;
    const auto pool = TRY(power_cut::GuestPool::open(words[0], parameters(words.subspan(4))));
    auto work = TRY(power_cut::Work::begin(*pool, timed, std::strtoull(words[3], nullptr, 10), words[1]));
    for (;;) TRY(work.step());  // until the power fails
}

Result<std::string> check(std::span<char*> words) {
    return power_cut::check(words[0], parameters(words.subspan(2)), TRY(power_cut::read_journal(words[1])));
}

int tell(const Result<std::string>& result) {
    if (result)
        std::cout << *result << std::endl;
    else
        std::cout << "FAILED: " << result.error().message() << std::endl;
    return result ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
    const std::span words(argv, static_cast<std::size_t>(argc));
    if (argc >= 6 && std::string_view(argv[1]) == "work") return tell(work(words.subspan(2)));
    if (argc >= 4 && std::string_view(argv[1]) == "check") return tell(check(words.subspan(2)));
    std::cerr << usage;
    return EXIT_FAILURE;
}
