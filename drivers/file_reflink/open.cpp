// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/file_reflink/file_reflink.h"
#include "drivers/file_reflink/reflink_pool.h"
#include "drivers/file_reflink/volume_files.h"

namespace varve::file_reflink {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// A clone of a file with data: some file systems accept the call for an empty file and refuse it for a full one.
Result<> probe_clone(Context& pool) {
    const int top = pool.top.get();
    const auto make = [&]() -> Result<Temporary> {
        auto name = pool.temporaries.next("probe.img");
        auto file = TRY(pool.files.create_file(top, name));
        return Temporary(pool, top, std::move(name), std::move(file));
    };
    const auto from = TRY(make());
    const auto to = TRY(make());
    constexpr std::size_t longer_than_any_inline_data = 65536;
    TRY(pool.files.write_all(from.fd(), std::string(longer_than_any_inline_data, 'v')));
    return pool.files.clone(from.fd(), to.fd());
}

}  // namespace

Result<std::unique_ptr<api::Pool>> open(const Settings& settings, kernel::FileSystem& files, api::StateIds& state_ids,
                                        const base::Clock& clock, spdlog::logger& log, const kernel::BootId& boot_id) {
    if (!settings.dir_path.starts_with('/'))
        return fail(Errc::InvalidArgument, "dir_path is '" + settings.dir_path + "' and must be an absolute path");
    auto top = files.open_top(settings.dir_path);
    if (!top) return base::Failure(base::with_context(top.error(), "pool " + settings.name.str()));
    auto context = std::make_unique<Context>(settings, files, state_ids, clock, log, boot_id, std::move(*top));
    if (auto probed = probe_clone(*context); !probed) {
        const auto why = probed.error().code;
        // On a full or read-only file system nothing can be tried, and the pool must be readable all the same.
        const auto untried = why == Errc::NoSpace || why == Errc::ReadOnly;
        if (!untried && why != Errc::Unsupported) return base::Failure(base::with_context(probed.error(), "pool " + settings.name.str()));
        if (!untried && settings.setup_check)
            return fail(Errc::Unsupported,
                        "the file system at " + settings.dir_path +
                            " cannot share data between files (XFS and Btrfs can); setup_check = false makes full copies instead");
        if (!untried) context->method = api::Method::Copy;
    }
    return std::make_unique<ReflinkPool>(std::move(context));
}

}  // namespace varve::file_reflink
