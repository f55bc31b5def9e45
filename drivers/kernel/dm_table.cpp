// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_table.h"

#include "drivers/kernel/dm_words.h"

#include <algorithm>
#include <string>

namespace varve::kernel {
namespace {

bool is_one_word(std::string_view text) {
    return !text.empty() && std::ranges::none_of(text, [](char c) { return c <= ' ' || c == '\x7f'; });
}

bool is_one_line(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return c == '\n' || c == '\0'; });
}

base::Result<> check_words(const DmTargetKind& kind) {
    const auto* const crypt = std::get_if<CryptTarget>(&kind);
    const auto* const other = std::get_if<OtherTarget>(&kind);
    const auto* const key = crypt != nullptr ? std::get_if<KeyringKey>(&crypt->key) : nullptr;
    if ((crypt != nullptr && !is_one_word(crypt->cipher)) || (key != nullptr && !is_one_word(key->name)) ||
        (other != nullptr && (!is_one_word(other->type) || !is_one_line(other->parameters))))
        return base::fail(base::Errc::InvalidArgument,
                          "a " + std::string(crypt != nullptr ? "cipher" : "target") + " cannot be written in a device-mapper table");
    return {};
}

// DmWords reads from the rest of a line, so the parameters are what follows the third word.
base::Result<DmTarget> read_line(std::string_view line) {
    DmWords words("the table line", line, line.find("crypt") == std::string_view::npos);
    const base::SectorCount start{TRY(words.number())};
    const base::SectorCount length{TRY(words.number())};
    const auto type = TRY(words.word());
    const auto behind = static_cast<std::size_t>(type.data() + type.size() - line.data());
    const auto parameters = line.substr(std::min(behind + 1, line.size()));
    auto kind = TRY(parse_target(type, parameters));
    return DmTarget{start, length, std::move(kind)};
}

}  // namespace

base::Result<DmTable> DmTable::make(std::vector<DmTarget> targets) {
    const auto refused = [](const std::string& why) { return base::fail(base::Errc::InvalidArgument, "a device-mapper table " + why); };
    if (targets.empty()) return refused("needs a target");
    std::uint64_t end = 0;
    for (const auto& target : targets) {
        if (target.length.count == 0) return refused("has an empty target at sector " + std::to_string(target.start.count));
        if (target.start.count != end)
            return refused("goes on at sector " + std::to_string(target.start.count) + " where it must at " + std::to_string(end));
        if (__builtin_add_overflow(end, target.length.count, &end) || end > base::largest_volume.count / base::sector_size)
            return refused("is larger than a device can be");
        TRY(check_words(target.kind));
    }
    return DmTable(std::move(targets));
}

base::Result<DmTable> DmTable::of(base::SectorCount size, DmTargetKind kind) {
    std::vector<DmTarget> targets;
    targets.push_back({{}, size, std::move(kind)});
    return make(std::move(targets));
}

base::Result<DmTable> DmTable::parse(std::string_view lines) {
    std::vector<DmTarget> targets;
    while (!lines.empty()) {
        const auto length = std::min(lines.find('\n'), lines.size());
        if (length != 0) targets.push_back(TRY(read_line(lines.substr(0, length))));
        lines.remove_prefix(std::min(length + 1, lines.size()));
    }
    auto table = make(std::move(targets));
    if (!table) return base::fail(base::Errc::Corrupt, table.error().context);
    return table;
}

std::vector<DeviceNumber> DmTable::devices() const {
    std::vector<DeviceNumber> all;
    for (const auto& target : targets_) {
        const auto own = devices_of(target.kind);
        all.insert(all.end(), own.begin(), own.end());
    }
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

bool DmTable::holds_key() const {
    return std::ranges::any_of(targets_, [](const DmTarget& target) { return std::holds_alternative<CryptTarget>(target.kind); });
}

WipedText DmTable::text() const {
    WipedText text;
    for (const auto& target : targets_) {
        text.append(std::to_string(target.start.count) + " " + std::to_string(target.length.count) + " " + type_of(target.kind));
        const auto parameters = parameters_of(target.kind);
        if (!parameters.view().empty()) text.append(" ");
        text.append(parameters.view());
        text.append("\n");
    }
    return text;
}

}  // namespace varve::kernel
