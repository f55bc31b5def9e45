// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/qcow2_header.h"

#include "orchestrator/mount_client/reference.h"

#include <algorithm>
#include <cstdint>

namespace varve::image_formats {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// Offsets of the header's fields.
constexpr std::size_t version_at = 4;
constexpr std::size_t backing_file_offset_at = 8;
constexpr std::size_t backing_file_size_at = 16;
constexpr std::size_t cluster_bits_at = 20;
constexpr std::size_t crypt_method_at = 32;
constexpr std::size_t incompatible_features_at = 72;
constexpr std::size_t header_length_at = 100;
constexpr std::size_t version_2_length = 72;
constexpr std::size_t version_3_length = 104;

constexpr std::uint64_t feature_corrupt = 1U << 1U;
constexpr std::uint64_t feature_data_file = 1U << 2U;
constexpr std::uint64_t known_features = 0x1f;  // dirty, corrupt, data file, compression type, extended L2 entries

constexpr std::uint64_t extension_end = 0;
constexpr std::uint64_t extension_data_file = 0x44415441;
constexpr std::uint64_t extension_encryption = 0x0537be77;

// A number at this place, which is within the text.
std::uint64_t number(std::string_view text, std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (const char c : text.substr(at, bytes)) value = value << 8U | static_cast<unsigned char>(c);
    return value;
}

base::Failure refused(const std::string& name, const std::string& why) { return fail(Errc::InvalidArgument, name + " " + why); }

base::Failure names_data_file(const std::string& name) {
    return refused(name,
                   "keeps its data in another file, which is not followed: make it one file with 'qemu-img convert -f qcow2 -O qcow2'");
}

base::Failure encrypted(const std::string& name) { return refused(name, "is encrypted: decrypt it with qemu-img convert first"); }

Result<> check_extensions(std::string_view text, std::size_t at, std::size_t end, const std::string& name) {
    while (at + 8 <= end) {
        const auto type = number(text, at, 4);
        const auto length = number(text, at + 4, 4);
        if (type == extension_end) return {};
        if (type == extension_data_file) return names_data_file(name);
        if (type == extension_encryption) return encrypted(name);
        if (length > end - at - 8) break;
        at += 8 + (length + 7) / 8 * 8;
    }
    if (at >= end) return {};
    return refused(name, "has a header of a form that qcow2 images do not have");
}

}  // namespace

Result<> check_qcow2_header(std::string_view text, const std::string& name) {
    if (!text.starts_with("QFI\xfb")) return refused(name, "is not a qcow2 image");
    if (text.size() < version_2_length) return refused(name, "ends inside the header of a qcow2 image");
    const auto version = number(text, version_at, 4);
    if (version != 2 && version != 3) return refused(name, "is a qcow2 image of version " + std::to_string(version) + ", not 2 or 3");
    if (const auto backing = number(text, backing_file_offset_at, 8); backing != 0) {
        const auto file = backing < text.size() ? text.substr(backing, number(text, backing_file_size_at, 4)) : std::string_view();
        return refused(name,
                       "is only what differs from a backing file ('" + mount_client::shown(file) +
                           "'), which is not followed: make it whole with 'qemu-img convert -f qcow2 -O qcow2' where both are trusted");
    }
    if (number(text, crypt_method_at, 4) != 0) return encrypted(name);
    std::size_t extensions = version_2_length;
    if (version == 3) {
        if (text.size() < version_3_length) return refused(name, "ends inside the header of a qcow2 image");
        const auto features = number(text, incompatible_features_at, 8);
        if ((features & feature_data_file) != 0) return names_data_file(name);
        if ((features & feature_corrupt) != 0) return refused(name, "is marked as damaged: 'qemu-img check -r all' may repair it");
        if ((features & ~known_features) != 0) return refused(name, "has features of qcow2 that are not known here");
        extensions = number(text, header_length_at, 4);
        if (extensions < version_3_length) return refused(name, "has a header of a form that qcow2 images do not have");
    }
    const auto cluster_bits = number(text, cluster_bits_at, 4);
    if (cluster_bits < 9 || cluster_bits > 21) return refused(name, "has clusters of a size that qcow2 images do not have");
    return check_extensions(text, extensions, std::min<std::size_t>(text.size(), std::size_t{1} << cluster_bits), name);
}

}  // namespace varve::image_formats
