// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/image_formats/convert.h"

#include "orchestrator/image_formats/inspect.h"
#include "orchestrator/image_formats/qemu_img.h"
#include "orchestrator/image_formats/spool.h"
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

namespace {

// Makes the empty file a qcow2 image of the state; the state's size.
Result<Bytes> make_qcow2(const StateReference& from, int state, int image, Compress compress, const std::string& failure,
                         const CopyObserver& observer) {
    struct stat status {};
    if (::fstat(state, &status) != 0) return base::fail_errno(errno, "cannot look at " + from.str());
    const Bytes size{static_cast<std::uint64_t>(status.st_size)};
    Conversion conversion{{}, {{state, false}, {image, true}}, failure, progress_of(observer, size), observer.interrupted};
    if (compress == Compress::Yes) conversion.arguments.emplace_back("-c");
    for (const auto* word : {"-O", "qcow2", "-o", "compat=1.1"}) conversion.arguments.emplace_back(word);
    conversion.arguments.push_back(image_in(0, Format::Raw, Locking::Off));
    conversion.arguments.push_back(handed_path(1));
    TRY(qemu_img_convert(conversion));
    return size;
}

}  // namespace

Result<Bytes> export_qcow2(const Mount& mount, const StateReference& from, const std::string& path, mount_client::Overwrite overwrite,
                           Compress compress, const CopyObserver& observer) {
    const auto state = TRY(open_state(mount, from));
    auto file = TRY(mount_client::LocalFile::create(path, overwrite));
    const auto failure = from.str() + " was not exported to '" + mount_client::shown(path) + "'";
    const auto size = TRY(make_qcow2(from, state.get(), file.fd(), compress, failure, observer));
    TRY(file.install());
    return size;
}

Result<Bytes> export_qcow2_to_stream(const Mount& mount, const StateReference& from, int fd, const std::string& spool_directory,
                                     Compress compress, const CopyObserver& observer) {
    TRY(mount_client::refuse_terminal(fd));
    const auto state = TRY(open_state(mount, from));
    const auto file = TRY(open_spool(spool_directory));
    auto size = make_qcow2(from, state.get(), file.get(), compress, from.str() + " was not exported", observer);
    if (!size && size.error().code == base::Errc::NoSpace) return no_room("the image of " + from.str(), spool_directory);
    if (!size) return size;
    TRY(mount_client::file_to_stream(mount, file.get(), from, fd, observer));
    return size;
}

}  // namespace varve::image_formats
