// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/format.h"

#include "orchestrator/mount_client/reference.h"

#include <array>
#include <utility>

namespace varve::image_formats {
namespace {

constexpr std::array<std::pair<Format, std::string_view>, 5> names{{
    {Format::Raw, "raw"},
    {Format::Qcow2, "qcow2"},
    {Format::Vdi, "vdi"},
    {Format::Vhdx, "vhdx"},
    {Format::Vpc, "vpc"},
}};

}  // namespace

std::string_view name_of(Format format) {
    for (const auto& [known, name] : names)
        if (known == format) return name;
    return {};
}

base::Result<Format> parse_format(std::string_view text) {
    for (const auto& [format, name] : names)
        if (name == text) return format;
    return base::fail(base::Errc::InvalidArgument,
                      "'" + mount_client::shown(text) + "' is no format of images: raw, qcow2, vdi, vhdx and vpc are");
}

}  // namespace varve::image_formats
