// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/domain_xml/text.h"

#include <cstddef>
#include <string>

namespace varve::domain_xml {
namespace {

// Bytes of the UTF-8 sequence that begins here, 0 for none (RFC 3629), nor for what XML 1.0 has no place for (its production 2).
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const auto first = byte(0);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t index = 1; index < length; ++index)
        if ((byte(index) & 0xc0U) != 0x80) return 0;
    const auto second = byte(1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second >= 0x90))
        return 0;
    if (first == 0xc2 && second < 0xa0) return 0;                      // the other control characters
    if (first == 0xef && second == 0xbf && byte(2) >= 0xbe) return 0;  // U+FFFE, U+FFFF
    return length;
}

}  // namespace

base::Result<> check_text(std::string_view text, std::string_view what) {
    while (!text.empty()) {
        const auto length = sequence_length(text);
        if (length == 0)
            return base::fail(
                base::Errc::InvalidArgument,
                std::string(what) + " holds bytes that are not UTF-8, or a control character: a domain's description cannot name it");
        text.remove_prefix(length);
    }
    return {};
}

}  // namespace varve::domain_xml
