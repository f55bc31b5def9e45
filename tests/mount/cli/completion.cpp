// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/mount/cli/completion.h"

#include <algorithm>
#include <sstream>

namespace varve::test_support {
namespace {

// Splits $1 as readline does (blanks, and each ':', '=' and '@' a word of its own), completes its end, and prints the candidates.
constexpr const char* harness = R"bash(
source "$VARVE_COMPLETION" || exit 1
compopt() { echo "compopt $*"; }
complete -p varve | grep -q -- '-F _varve varve' || exit 1
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=()
COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
set -f
for part in $1; do
    while [[ $part =~ ^([^:=@]*)([:=@])(.*)$ ]]; do
        [[ -n ${BASH_REMATCH[1]} ]] && COMP_WORDS+=("${BASH_REMATCH[1]}")
        COMP_WORDS+=("${BASH_REMATCH[2]}")
        part=${BASH_REMATCH[3]}
    done
    [[ -n $part ]] && COMP_WORDS+=("$part")
done
set +f
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_varve
for candidate in "${COMPREPLY[@]}"; do printf '%s\n' "$candidate"; done
)bash";

}  // namespace

Names CliCompletionTest::complete(const std::string& line, const std::string& mount_variable) const {
    Program program;
    program.arguments = {"bash", "--norc", "-c", harness, "bash", line};
    program.environment = {{"VARVE_COMPLETION", VARVE_COMPLETION}, {"VARVE_MOUNT", mount_variable}};
    program.directory = vm_path();
    const auto finished = run_program(program);
    EXPECT_TRUE(finished && finished->succeeded() && finished->errors.empty()) << line << ": " << finished->describe();
    Names candidates;
    std::istringstream lines(finished->output);
    for (std::string candidate; std::getline(lines, candidate);) candidates.push_back(candidate);
    std::ranges::sort(candidates);
    return candidates;
}

}  // namespace varve::test_support
