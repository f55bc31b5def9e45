// SPDX-License-Identifier: LGPL-2.1-or-later
// What anybody may write to a `ctl` file: the words that are understood can be written as a command again.
#include "fs/protocol/command_words.h"
#include "tests/fuzz/require.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using varve::fuzz::require;
    const auto words = varve::protocol::split_command({reinterpret_cast<const char*>(data), size});
    if (!words) return 0;
    const auto joined = varve::protocol::join_command(*words);
    // Quoting may make a command longer than one write.
    require(joined.has_value() || joined.error().code == varve::base::Errc::TooLarge, "words that were read can be written");
    if (!joined) return 0;
    const auto again = varve::protocol::split_command(*joined);
    require(again && *again == *words, "a command is read back as it was written");
    return 0;
}
