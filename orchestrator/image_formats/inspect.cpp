// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/inspect.h"

#include "orchestrator/image_formats/qcow2_header.h"
#include "orchestrator/image_formats/qemu_img.h"
#include "orchestrator/mount_client/json_fields.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace varve::image_formats {
namespace {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Result;
using mount_client::OpenImage;
using nlohmann::json;

Result<std::string> beginning_of(const OpenImage& image) {
    std::string text(qcow2_header_limit, '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const auto count = ::pread(image.fd, text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return base::fail_errno(errno, "cannot read " + image.name);
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return text;
}

// What our own look has refused already, and what it does not know of.
Result<> refuse_surprises(const json& info, Format format, const std::string& name) {
    const auto refused = [&](const std::string& why) { return fail(Errc::InvalidArgument, name + " " + why); };
    if (mount_client::text_field(info, "format") != name_of(format)) return refused("is no " + std::string(name_of(format)) + " image");
    if (mount_client::field(info, "backing-filename") != nullptr) return refused("has a backing file, which is not followed");
    if (mount_client::flag_field(info, "encrypted")) return refused("is encrypted");
    if (const auto* specific = mount_client::field(info, "format-specific")) {
        const auto* data = mount_client::field(*specific, "data");
        if (data == nullptr) return {};
        if (mount_client::field(*data, "data-file") != nullptr) return refused("keeps its data in another file, which is not followed");
        if (mount_client::field(*data, "encrypt") != nullptr) return refused("is encrypted");
        if (mount_client::flag_field(*data, "corrupt")) return refused("is marked as damaged");
    }
    return {};
}

}  // namespace

Result<Bytes> inspect_image(const OpenImage& image, Format format, const std::function<bool()>& interrupted) {
    struct stat status {};
    if (::fstat(image.fd, &status) != 0) return base::fail_errno(errno, "cannot look at " + image.name);
    if (!S_ISREG(status.st_mode))
        return fail(Errc::InvalidArgument, image.name + " is not a plain file, nor a pipe: a " + std::string(name_of(format)) +
                                               " image is not read from its beginning to its end");
    if (format == Format::Qcow2) TRY(check_qcow2_header(TRY(beginning_of(image)), image.name));
    const auto info = json::parse(TRY(qemu_img_info({image.fd, false}, format, image.name, interrupted)), nullptr, false);
    TRY(refuse_surprises(info, format, image.name));
    // What is behind the end of a file that was cut short would be taken for zeros.
    if (format == Format::Qcow2) TRY(qemu_img_check({image.fd, false}, format, image.name, interrupted));
    const auto size = mount_client::number_field(info, "virtual-size", 0, INT64_MAX);
    if (!size) return fail(Errc::Corrupt, "cannot find the size of " + image.name + " in what qemu-img says of it");
    return Bytes{static_cast<std::uint64_t>(*size)};
}

}  // namespace varve::image_formats
