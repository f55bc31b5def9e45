// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/file_reflink.h"
#include "drivers/file_reflink/reflink_driver.h"
#include "drivers/images/image_pool.h"

namespace varve::file_reflink {

using base::Errc;
using base::Result;

Result<std::unique_ptr<api::Pool>> open(const Settings& settings, kernel::FileSystem& files, api::StateIds& state_ids,
                                        const base::Clock& clock, spdlog::logger& log, const kernel::BootId& boot_id) {
    auto context =
        TRY(images::open_context({settings.name, settings.dir_path, settings.revisions_to_keep}, {files, state_ids, clock, log, boot_id}));
    if (context->method == api::Method::Copy && settings.setup_check)
        return base::fail(Errc::Unsupported,
                          "the file system at " + settings.dir_path +
                              " cannot share data between files (XFS and Btrfs can); setup_check = false makes full copies instead");
    std::vector<std::pair<std::string, std::string>> parameters{{"dir_path", settings.dir_path},
                                                                {"setup_check", settings.setup_check ? "true" : "false"}};
    context->driver = std::make_unique<ReflinkDriver>(context->method, std::move(parameters));
    return std::make_unique<images::ImagePool>(std::move(context));
}

}  // namespace varve::file_reflink
