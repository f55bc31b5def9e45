// SPDX-License-Identifier: LGPL-2.1-or-later
#include "drivers/images/context.h"

#include "drivers/images/driver.h"

#include <array>
#include <charconv>
#include <random>

namespace varve::images {

using base::Errc;
using base::fail;
using base::Result;

TemporaryNames::TemporaryNames() {
    std::random_device random;
    start_ = (std::uint64_t{random()} << 32) | random();
}

std::string TemporaryNames::next(const std::string& stem) {
    std::array<char, 16> hex{};
    const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), next_number(), 16).ptr;
    return stem + "~" + std::string(hex.data(), end);
}

Context::Context(Settings pool_settings, const Environment& environment, base::UniqueFd top_directory)
    : settings(std::move(pool_settings)),
      files(environment.files),
      ids(environment.state_ids),
      clock(environment.clock),
      log(environment.log),
      boot(environment.boot_id),
      top(std::move(top_directory)) {}

Context::~Context() = default;

namespace {

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

Result<std::unique_ptr<Context>> open_context(const Settings& settings, const Environment& environment) {
    if (!settings.dir_path.starts_with('/'))
        return fail(Errc::InvalidArgument, "dir_path is '" + settings.dir_path + "' and must be an absolute path");
    auto top = environment.files.open_top(settings.dir_path);
    if (!top) return base::Failure(base::with_context(top.error(), "pool " + settings.name.str()));
    auto context = std::make_unique<Context>(settings, environment, std::move(*top));
    if (const auto probed = probe_clone(*context); !probed) {
        const auto why = probed.error().code;
        const auto untried = why == Errc::NoSpace || why == Errc::ReadOnly;
        if (!untried && why != Errc::Unsupported) return base::Failure(base::with_context(probed.error(), "pool " + settings.name.str()));
        if (!untried) context->method = api::Method::Copy;
    }
    return context;
}

}  // namespace varve::images
