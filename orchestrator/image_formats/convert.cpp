// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/convert.h"

#include "orchestrator/image_formats/inspect.h"
#include "orchestrator/image_formats/qemu_img.h"
#include "orchestrator/mount_client/scratch_file.h"
#include "orchestrator/mount_client/state_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace varve::image_formats {
namespace {

using base::Bytes;
using base::Result;
using mount_client::CopyObserver;
using mount_client::Mount;
using mount_client::OpenImage;
using mount_client::StateReference;

std::function<void(double)> progress_of(const CopyObserver& observer, Bytes size) {
    return [&observer, size](double percent) {
        if (observer.progress) observer.progress({static_cast<std::uint64_t>(static_cast<double>(size.count) * percent / 100)}, size);
    };
}

}  // namespace

Result<mount_client::PreparedImage> prepare_converted(const Mount& mount, const OpenImage& from, Format format, const base::VolumeId& to,
                                                      const mount_client::ImportOptions& options, const CopyObserver& observer) {
    const StateReference state{to, {}};
    TRY(check_destination(mount, state, options.replace));
    const auto size = TRY(inspect_image(from, format, observer.interrupted));
    TRY(check_size(from, size, options));
    auto scratch = TRY(mount_client::ScratchFile::create(mount, state.vm()));
    if (::ftruncate(scratch.fd(), static_cast<off_t>(size.count)) != 0)
        return base::Failure(mount.explain("truncate", errno, "cannot write " + to.str()));
    Conversion conversion{{"-n", "--target-is-zero", "--target-image-opts", image_in(0, format, Locking::Auto),
                           "driver=raw,file.driver=file,file.locking=off,file.filename=" + handed_path(1)},
                          {{from.fd, false}, {scratch.fd(), true}},
                          "cannot make " + to.str() + " of " + from.name + "; nothing was changed",
                          progress_of(observer, size),
                          observer.interrupted};
    TRY(qemu_img_convert(conversion));
    return mount_client::PreparedImage{std::move(scratch), size};
}

Result<Bytes> import_converted(const Mount& mount, const OpenImage& from, Format format, const base::VolumeId& to,
                               const mount_client::ImportOptions& options, const CopyObserver& observer) {
    auto prepared = TRY(prepare_converted(mount, from, format, to, options, observer));
    TRY(prepared.file.install({to, {}}, options.replace));
    return prepared.size;
}

Result<Bytes> export_qcow2(const Mount& mount, const StateReference& from, const std::string& path, mount_client::Overwrite overwrite,
                           Compress compress, const CopyObserver& observer) {
    const auto state = TRY(open_state(mount, from));
    struct stat status {};
    if (::fstat(state.get(), &status) != 0) return base::fail_errno(errno, "cannot look at " + from.str());
    const Bytes size{static_cast<std::uint64_t>(status.st_size)};
    auto file = TRY(mount_client::LocalFile::create(path, overwrite));
    Conversion conversion{{},
                          {{state.get(), false}, {file.fd(), true}},
                          from.str() + " was not exported to '" + mount_client::shown(path) + "'",
                          progress_of(observer, size),
                          observer.interrupted};
    if (compress == Compress::Yes) conversion.arguments.emplace_back("-c");
    for (const auto* word : {"-O", "qcow2", "-o", "compat=1.1"}) conversion.arguments.emplace_back(word);
    conversion.arguments.push_back(image_in(0, Format::Raw, Locking::Off));
    conversion.arguments.push_back(handed_path(1));
    TRY(qemu_img_convert(conversion));
    TRY(file.install());
    return size;
}

}  // namespace varve::image_formats
