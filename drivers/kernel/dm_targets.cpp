// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/kernel/dm_targets.h"

#include "drivers/kernel/dm_words.h"

#include <array>
#include <initializer_list>
#include <limits>
#include <utility>

namespace varve::kernel {
namespace {

using base::Result;
using base::SectorCount;

template <class... Cases>
struct Match : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Match(Cases...) -> Match<Cases...>;

// One optional word of a target, and the field it stands for.
template <class Target>
struct Feature {
    std::string_view word;
    bool Target::*field;
};

constexpr std::array<Feature<SnapshotTarget>, 2> snapshot_features{{
    {"discard_zeroes_cow", &SnapshotTarget::discard_zeroes_cow},
    {"discard_passdown_origin", &SnapshotTarget::discard_passdown_origin},
}};

constexpr std::array<Feature<ThinPoolTarget>, 5> thin_pool_features{{
    {"skip_block_zeroing", &ThinPoolTarget::skip_block_zeroing},
    {"ignore_discard", &ThinPoolTarget::ignore_discard},
    {"no_discard_passdown", &ThinPoolTarget::no_discard_passdown},
    {"read_only", &ThinPoolTarget::read_only},
    {"error_if_no_space", &ThinPoolTarget::error_if_no_space},
}};

constexpr std::array<Feature<CryptTarget>, 6> crypt_features{{
    {"allow_discards", &CryptTarget::allow_discards},
    {"same_cpu_crypt", &CryptTarget::same_cpu_crypt},
    {"submit_from_crypt_cpus", &CryptTarget::submit_from_crypt_cpus},
    {"no_read_workqueue", &CryptTarget::no_read_workqueue},
    {"no_write_workqueue", &CryptTarget::no_write_workqueue},
    {"iv_large_sectors", &CryptTarget::iv_large_sectors},
}};

constexpr std::string_view sector_size_word = "sector_size:";
constexpr std::string_view logon_word = ":logon:";  // between the bytes and the name of a key in the keyring

std::string text_of(DeviceNumber device) { return device.str(); }
std::string text_of(SectorCount sectors) { return std::to_string(sectors.count); }

template <class Target, std::size_t N>
std::vector<std::string> words_of(const Target& target, const std::array<Feature<Target>, N>& features) {
    std::vector<std::string> words;
    for (const auto& feature : features)
        if (target.*feature.field) words.emplace_back(feature.word);
    return words;
}

// " <count> <word>...", or nothing when there are none.
std::string counted(const std::vector<std::string>& words) {
    if (words.empty()) return {};
    auto text = " " + std::to_string(words.size());
    for (const auto& word : words) text += " " + word;
    return text;
}

template <class Target, std::size_t N>
Result<> read_feature(std::string_view word, Target& target, const std::array<Feature<Target>, N>& features, const DmWords& words) {
    for (const auto& feature : features) {
        if (feature.word != word) continue;
        target.*feature.field = true;
        return {};
    }
    return words.corrupt("it has an option that is not known");
}

// The optional count and its words, up to the end of the text.
template <class Read>
Result<> read_counted(DmWords& words, Read read) {
    if (words.at_end()) return {};
    for (auto left = TRY(words.number()); left != 0; --left) TRY(read(TRY(words.word())));
    return words.end();
}

std::string_view letters_of(SnapshotStore store) {
    switch (store) {
        case SnapshotStore::Persistent: return "P";
        case SnapshotStore::PersistentOverflow: return "PO";
        case SnapshotStore::Transient: return "N";
    }
    return "P";
}

std::string snapshot_text(const SnapshotTarget& target) {
    return text_of(target.origin) + " " + text_of(target.cow) + " " + std::string(letters_of(target.store)) + " " + text_of(target.chunk) +
           counted(words_of(target, snapshot_features));
}

std::string thin_pool_text(const ThinPoolTarget& target) {
    return text_of(target.metadata) + " " + text_of(target.data) + " " + text_of(target.block) + " " +
           std::to_string(target.low_water_blocks) + counted(words_of(target, thin_pool_features));
}

std::string thin_text(const ThinTarget& target) {
    const auto text = text_of(target.pool) + " " + std::to_string(target.id.value);
    return target.external_origin ? text + " " + text_of(*target.external_origin) : text;
}

WipedText crypt_text(const CryptTarget& target) {
    auto options = words_of(target, crypt_features);
    if (target.sector_bytes) options.push_back(std::string(sector_size_word) + std::to_string(*target.sector_bytes));
    WipedText text(target.cipher + " ");
    std::visit(Match{[&](const SecretKey& key) { key.append_hex_to(text); },
                     [&](const KeyringKey& key) { text.append(":" + std::to_string(key.bytes) + std::string(logon_word) + key.name); }},
               target.key);
    text.append(" " + text_of(target.iv_offset) + " " + text_of(target.device) + " " + text_of(target.offset) + counted(options));
    return text;
}

Result<DmTargetKind> read_linear(DmWords words) {
    LinearTarget target;
    target.device = TRY(words.device());
    target.offset = {TRY(words.number())};
    TRY(words.end());
    return target;
}

Result<DmTargetKind> read_origin(DmWords words) {
    const SnapshotOriginTarget target{TRY(words.device())};
    TRY(words.end());
    return target;
}

Result<SnapshotTarget> read_snapshot(DmWords words) {
    SnapshotTarget target;
    target.origin = TRY(words.device());
    target.cow = TRY(words.device());
    const auto store = TRY(words.word());
    bool known = false;
    for (const auto one : {SnapshotStore::Persistent, SnapshotStore::PersistentOverflow, SnapshotStore::Transient}) {
        if (letters_of(one) != store) continue;
        target.store = one;
        known = true;
    }
    if (!known) return words.corrupt("the store is none of P, PO and N");
    target.chunk = {TRY(words.number())};
    TRY(read_counted(words, [&](std::string_view word) { return read_feature(word, target, snapshot_features, words); }));
    return target;
}

Result<DmTargetKind> read_thin_pool(DmWords words) {
    ThinPoolTarget target;
    target.metadata = TRY(words.device());
    target.data = TRY(words.device());
    target.block = {TRY(words.number())};
    target.low_water_blocks = TRY(words.number());
    TRY(read_counted(words, [&](std::string_view word) { return read_feature(word, target, thin_pool_features, words); }));
    return target;
}

Result<DmTargetKind> read_thin(DmWords words) {
    ThinTarget target;
    target.pool = TRY(words.device());
    const auto id = TRY(words.number());
    if (id > std::numeric_limits<std::uint32_t>::max()) return words.corrupt("its id is too large");
    target.id = {static_cast<std::uint32_t>(id)};
    if (!words.at_end()) target.external_origin = TRY(words.device());
    TRY(words.end());
    return target;
}

Result<> read_crypt_option(std::string_view word, CryptTarget& target, const DmWords& words) {
    if (!word.starts_with(sector_size_word)) return read_feature(word, target, crypt_features, words);
    std::uint64_t bytes = 0;
    if (!read_decimal(word.substr(sector_size_word.size()), bytes) || bytes > 4096) return words.corrupt("its sector size is no number");
    target.sector_bytes = static_cast<unsigned>(bytes);
    return {};
}

// Nothing of it is in an error.
Result<CryptKey> read_key(std::string_view word, const DmWords& words) {
    if (!word.starts_with(':')) {
        auto key = SecretKey::from_hex(word);
        if (!key) return words.corrupt("its key is not in hexadecimal");
        return *std::move(key);
    }
    const auto type = word.find(logon_word, 1);
    std::uint64_t bytes = 0;
    if (type == std::string_view::npos || !read_decimal(word.substr(1, type - 1), bytes))
        return words.corrupt("its key is of a type that is not known");
    return KeyringKey{bytes, std::string(word.substr(type + logon_word.size()))};
}

Result<DmTargetKind> read_crypt(DmWords words) {
    const auto cipher = TRY(words.word());
    auto key = TRY(read_key(TRY(words.word()), words));
    CryptTarget target{.cipher = std::string(cipher), .key = std::move(key)};
    target.iv_offset = {TRY(words.number())};
    target.device = TRY(words.device());
    target.offset = {TRY(words.number())};
    TRY(read_counted(words, [&](std::string_view word) { return read_crypt_option(word, target, words); }));
    return target;
}

template <class Target>
Result<DmTargetKind> read_nothing(const DmWords& words) {
    auto copy = words;
    TRY(copy.end());
    return Target{};
}

}  // namespace

std::string type_of(const DmTargetKind& kind) {
    return std::visit(
        Match{[](const LinearTarget&) -> std::string { return "linear"; },
              [](const SnapshotOriginTarget&) -> std::string { return "snapshot-origin"; },
              [](const SnapshotTarget&) -> std::string { return "snapshot"; },
              [](const SnapshotMergeTarget&) -> std::string { return "snapshot-merge"; },
              [](const ThinPoolTarget&) -> std::string { return "thin-pool"; }, [](const ThinTarget&) -> std::string { return "thin"; },
              [](const CryptTarget&) -> std::string { return "crypt"; }, [](const ZeroTarget&) -> std::string { return "zero"; },
              [](const ErrorTarget&) -> std::string { return "error"; }, [](const OtherTarget& target) { return target.type; }},
        kind);
}

WipedText parameters_of(const DmTargetKind& kind) {
    return std::visit(
        Match{[](const LinearTarget& target) { return WipedText(text_of(target.device) + " " + text_of(target.offset)); },
              [](const SnapshotOriginTarget& target) { return WipedText(text_of(target.origin)); },
              [](const SnapshotTarget& target) { return WipedText(snapshot_text(target)); },
              [](const SnapshotMergeTarget& target) { return WipedText(snapshot_text(target.snapshot)); },
              [](const ThinPoolTarget& target) { return WipedText(thin_pool_text(target)); },
              [](const ThinTarget& target) { return WipedText(thin_text(target)); },
              [](const CryptTarget& target) { return crypt_text(target); }, [](const ZeroTarget&) { return WipedText(); },
              [](const ErrorTarget&) { return WipedText(); }, [](const OtherTarget& target) { return WipedText(target.parameters); }},
        kind);
}

Result<DmTargetKind> parse_target(std::string_view type, std::string_view parameters) {
    const std::string what = "the " + std::string(type) + " target";
    if (type == "crypt") return read_crypt(DmWords(what, parameters, false));
    const DmWords words(what, parameters);
    if (type == "linear") return read_linear(words);
    if (type == "snapshot-origin") return read_origin(words);
    if (type == "snapshot") return read_snapshot(words);
    if (type == "snapshot-merge") return SnapshotMergeTarget{TRY(read_snapshot(words))};
    if (type == "thin-pool") return read_thin_pool(words);
    if (type == "thin") return read_thin(words);
    if (type == "zero") return read_nothing<ZeroTarget>(words);
    if (type == "error") return read_nothing<ErrorTarget>(words);
    return OtherTarget{std::string(type), std::string(parameters)};
}

std::vector<DeviceNumber> devices_of(const DmTargetKind& kind) {
    using Devices = std::vector<DeviceNumber>;
    return std::visit(Match{[](const LinearTarget& target) { return Devices{target.device}; },
                            [](const SnapshotOriginTarget& target) { return Devices{target.origin}; },
                            [](const SnapshotTarget& target) {
                                return Devices{target.origin, target.cow};
                            },
                            [](const SnapshotMergeTarget& target) {
                                return Devices{target.snapshot.origin, target.snapshot.cow};
                            },
                            [](const ThinPoolTarget& target) {
                                return Devices{target.metadata, target.data};
                            },
                            [](const ThinTarget& target) {
                                return target.external_origin ? Devices{target.pool, *target.external_origin} : Devices{target.pool};
                            },
                            [](const CryptTarget& target) { return Devices{target.device}; }, [](const ZeroTarget&) { return Devices{}; },
                            [](const ErrorTarget&) { return Devices{}; }, [](const OtherTarget&) { return Devices{}; }},
                      kind);
}

}  // namespace varve::kernel
