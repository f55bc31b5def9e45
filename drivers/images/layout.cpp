// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/layout.h"

#include "drivers/records/record_file.h"

#include <charconv>
#include <optional>

namespace varve::images {
namespace {

using base::VolumeName;

constexpr std::string_view image = ".img";
constexpr std::string_view pin = ".pin";

// `name` without `suffix`, when it ends so and the rest is a volume's name.
std::optional<VolumeName> volume_before(std::string_view name, std::string_view suffix) {
    if (!name.ends_with(suffix)) return {};
    auto volume = VolumeName::parse(name.substr(0, name.size() - suffix.size()));
    if (!volume) return {};
    return std::move(*volume);
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
    if (digits.empty() || digits.front() < '1' || digits.front() > '9') return {};
    std::uint64_t number = 0;
    const auto* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) return {};
    return number;
}

// "<volume>.img@<label>.pin", "<volume>.img@<time>", "<volume>.img.<number>@<time>".
Entry classify_revision(std::string_view before, std::string_view after) {
    const auto plain = volume_before(before, image);
    if (plain && after.ends_with(pin)) {
        auto label = base::Label::parse(after.substr(0, after.size() - pin.size()));
        if (!label) return ForeignFile{};
        return PinFile{*plain, std::move(*label)};
    }
    const auto seconds = base::parse_iso_utc(after);
    if (!seconds) return ForeignFile{};
    if (plain) return TimedFile{*plain, *seconds, 0};
    const auto dot = before.rfind('.');
    if (dot == std::string_view::npos) return ForeignFile{};
    const auto volume = volume_before(before.substr(0, dot), image);
    const auto number = parse_number(before.substr(dot + 1));
    if (!volume || !number) return ForeignFile{};
    return TimedFile{*volume, *seconds, *number};
}

// "*.img*~*", and the record's own temporaries.
bool is_temporary(std::string_view name) {
    const auto tilde = name.rfind('~');
    if (tilde == std::string_view::npos) return false;
    return name.substr(0, tilde).find(image) != std::string_view::npos || name.starts_with(std::string(records::record_name) + "~");
}

}  // namespace

Entry classify(std::string_view name) {
    if (name == records::record_name) return RecordFile{};
    if (is_temporary(name)) return TemporaryFile{};
    if (const auto at = name.find('@'); at != std::string_view::npos) return classify_revision(name.substr(0, at), name.substr(at + 1));
    if (auto volume = volume_before(name, "-dirty.img")) return DirtyFile{std::move(*volume)};
    if (auto volume = volume_before(name, "-base.img")) return BaseFile{std::move(*volume)};
    if (auto volume = volume_before(name, "-precache.img")) return PrecacheFile{std::move(*volume)};
    if (auto volume = volume_before(name, "-import.img")) return ImportFile{std::move(*volume)};
    if (auto volume = volume_before(name, "-base-cow.img")) return BaseCowFile{std::move(*volume)};
    if (auto volume = volume_before(name, "-cow.img")) return CowFile{std::move(*volume)};
    if (auto volume = volume_before(name, "-cow.img.old")) return OldCowFile{std::move(*volume)};
    if (auto volume = volume_before(name, "-session.img")) return SessionFile{std::move(*volume)};
    if (auto volume = volume_before(name, "-grown.img")) return GrownFile{std::move(*volume)};
    if (auto volume = volume_before(name, image)) return CommittedFile{std::move(*volume)};
    return ForeignFile{};
}

const VolumeName* volume_of(const Entry& entry) {
    return std::visit(
        []<class File>(const File& file) -> const VolumeName* {
            if constexpr (requires { file.volume; })
                return &file.volume;
            else
                return nullptr;
        },
        entry);
}

std::string file_name(const CommittedFile& file) { return file.volume.str() + ".img"; }
std::string file_name(const DirtyFile& file) { return file.volume.str() + "-dirty.img"; }
std::string file_name(const BaseFile& file) { return file.volume.str() + "-base.img"; }
std::string file_name(const PrecacheFile& file) { return file.volume.str() + "-precache.img"; }
std::string file_name(const ImportFile& file) { return file.volume.str() + "-import.img"; }

std::string file_name(const CowFile& file) { return file.volume.str() + "-cow.img"; }
std::string file_name(const OldCowFile& file) { return file.volume.str() + "-cow.img.old"; }
std::string file_name(const BaseCowFile& file) { return file.volume.str() + "-base-cow.img"; }
std::string file_name(const SessionFile& file) { return file.volume.str() + "-session.img"; }

std::string file_name(const GrownFile& file) { return file.volume.str() + "-grown.img"; }

std::string file_name(const TimedFile& file) {
    const auto number = file.number == 0 ? std::string() : "." + std::to_string(file.number);
    return file.volume.str() + ".img" + number + "@" + base::iso_utc(file.seconds);
}

std::string file_name(const PinFile& file) { return file.volume.str() + ".img@" + file.label.str() + std::string(pin); }

Entry with_volume(const Entry& entry, const VolumeName& volume) {
    return std::visit(
        [&]<class File>(File file) -> Entry {
            if constexpr (requires { file.volume; }) file.volume = volume;
            return file;
        },
        entry);
}

std::string file_name(const Entry& entry) {
    return std::visit(
        []<class File>(const File& file) -> std::string {
            if constexpr (requires { file.volume; })
                return file_name(file);
            else
                return {};
        },
        entry);
}

}  // namespace varve::images
