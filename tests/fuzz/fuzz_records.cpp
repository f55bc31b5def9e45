// SPDX-License-Identifier: LGPL-2.1-or-later
// Records lie in pools that move between machines: whatever their bytes are, they are refused or mean the same when written again.
#include "drivers/records/intent.h"
#include "drivers/records/vm_record.h"
#include "tests/fuzz/require.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using varve::fuzz::require;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto record = varve::records::parse_record(text)) {
        const auto again = varve::records::parse_record(varve::records::format_record(*record));
        require(again && *again == *record, "a record is read back as it was written");
    } else {
        require(record.error().code == varve::base::Errc::Corrupt, "a record that cannot be read is corrupt");
    }
    if (const auto intent = varve::records::parse_intent(text)) {
        const auto again = varve::records::parse_intent(varve::records::format_intent(*intent));
        require(again && *again == *intent, "an intent is read back as it was written");
    }
    return 0;
}
