// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file/file.h"
#include "drivers/file/file_driver.h"
#include "drivers/images/image_pool.h"

namespace varve::file {
namespace {

using base::Errc;
using base::Result;

Result<> check_kernel(const Settings& settings, const kernel::DeviceMapper& mapper) {
    for (const std::string target : {"snapshot-origin", "snapshot", "linear"}) {
        const auto there = mapper.has_target(target);
        if (there && *there) continue;
        if (!there && there.error().code != Errc::Unsupported)
            return base::Failure(base::with_context(there.error(), "pool " + settings.name.str()));
        return base::fail(
            Errc::Unsupported,
            "pool " + settings.name.str() +
                ": the driver file needs a kernel with device-mapper and its snapshots; load the modules dm-mod and dm-snapshot, "
                "or use file-reflink on XFS or Btrfs" +
                (there ? "" : " (" + there.error().message() + ")"));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<images::Context>> open_context(const Settings& settings, const Kernel& kernel, api::StateIds& state_ids,
                                                      const base::Clock& clock, spdlog::logger& log, const kernel::BootId& boot_id) {
    TRY(check_kernel(settings, kernel.mapper));
    auto context = TRY(images::open_context({settings.name, settings.dir_path, settings.revisions_to_keep},
                                            {kernel.files, state_ids, clock, log, boot_id}));
    context->driver = std::make_unique<FileDriver>(settings, kernel);
    return context;
}

Result<std::unique_ptr<api::Pool>> open(const Settings& settings, const Kernel& kernel, api::StateIds& state_ids, const base::Clock& clock,
                                        spdlog::logger& log, const kernel::BootId& boot_id) {
    return std::make_unique<images::ImagePool>(TRY(open_context(settings, kernel, state_ids, clock, log, boot_id)));
}

}  // namespace varve::file
