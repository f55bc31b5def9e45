// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads what the kernel says of a device-mapper target: words with spaces between. Only for the parsers beside it.
#pragma once

#include "drivers/base/result.h"
#include "drivers/kernel/device_number.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace varve::kernel {

class DmWords {
public:
    // `what` and `quoted` say in an error whose text it was; `quoted` is empty when the text may hold a key.
    DmWords(std::string_view what, std::string_view text, bool may_be_quoted = true);

    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    // Each takes the next word, and is Corrupt when there is none or it is something else.
    [[nodiscard]] base::Result<std::string_view> word();
    [[nodiscard]] base::Result<std::uint64_t> number();
    [[nodiscard]] base::Result<std::pair<std::uint64_t, std::uint64_t>> fraction();  // "2/16"
    [[nodiscard]] base::Result<DeviceNumber> device();
    [[nodiscard]] base::Result<> end();
    [[nodiscard]] base::Failure corrupt(std::string_view why) const;

private:
    std::string_view what_;
    std::string_view text_;
    std::string_view rest_;
    bool may_be_quoted_;
};

// The whole of `text` as a decimal number.
[[nodiscard]] bool read_decimal(std::string_view text, std::uint64_t& value);

}  // namespace varve::kernel
