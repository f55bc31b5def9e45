// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/benchmarks/pool_volume.h"

#include "drivers/file_reflink/file_reflink.h"
#include "tests/benchmarks/bare_files.h"

#include <fcntl.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <utility>

namespace varve::benchmarks {
namespace {

using base::fail;
using base::Result;
using base::UniqueFd;

Result<> nothing() { return {}; }

}  // namespace

PoolVolume::PoolVolume(std::filesystem::path directory)
    : directory_(std::move(directory)),
      log_("benchmark", std::make_shared<spdlog::sinks::null_sink_mt>()),
      path_{base::VmName::parse("work").value(), base::VolumeName::parse("root").value()} {}

Result<std::unique_ptr<PoolVolume>> PoolVolume::make(const std::filesystem::path& directory, int content, std::size_t revisions) {
    std::filesystem::create_directory(directory);
    std::unique_ptr<PoolVolume> volume(new PoolVolume(directory));
    TRY(volume->open_pool());
    TRY(volume->make_volume(content));
    constexpr std::int64_t first_second = 1'500'000'000;
    for (std::size_t count = 0; count < revisions; ++count)
        TRY(volume->add_revision(content, first_second + static_cast<std::int64_t>(count)));
    return volume;
}

Steps PoolVolume::start_ready() {
    return {
        .prepare = [this] { return make_ready(); },
        .dirty = {},
        .measured = [this] { return execute(api::Start{}); },
        .clean_up = [this] { return stop_unwritten(); },
    };
}

Steps PoolVolume::start_cloning() {
    auto steps = start_ready();
    steps.prepare = [this]() -> Result<> {
        std::filesystem::remove(precache());
        return {};
    };
    return steps;
}

Steps PoolVolume::stop() {
    return {
        .prepare = [this] { return execute(api::Start{}); },
        .dirty = [this] { return write_device(); },
        .measured =
            [this] {
                return execute(api::Stop{api::Stop::Outcome::Commit, keep_all()});
            },
        .clean_up = [this] { return remove_newest_revision(); },
    };
}

Steps PoolVolume::revert() {
    return {
        .prepare = nothing,
        .dirty = {},
        .measured = [this] { return execute(api::Revert{view_->revisions.front().id}); },
        .clean_up = nothing,
    };
}

Steps PoolVolume::clone() {
    return {
        .prepare = nothing,
        .dirty = {},
        .measured = [this]() -> Result<> {
            const auto state = TRY(pool_->open_state(path_, *view_, api::CommittedState{}));
            clones_.push_back(TRY(pool_->create_image(path_.vm, state.get())));
            return {};
        },
        .clean_up = [this]() -> Result<> {
            clones_.clear();
            return {};
        },
    };
}

Steps PoolVolume::snapshot() {
    const auto label = base::Label::parse("kept").value();
    return {
        .prepare = nothing,
        .dirty = {},
        .measured = [this, label] { return execute(api::TakeSnapshot{label}); },
        .clean_up = [this, label]() -> Result<> {
            const auto held = TRY(pool_->open_state(path_, *view_, label));
            return execute(api::RemoveRevision{label});
        },
    };
}

Result<> PoolVolume::open_pool() {
    const file_reflink::Settings settings{base::PoolName::parse("pool").value(), directory_.string()};
    const auto boot = TRY(kernel::read_boot_id());
    pool_ = TRY(file_reflink::open(settings, files_, ids_, clock_, log_, boot));
    return pool_->recover();
}

Result<> PoolVolume::make_volume(int content) {
    TRY(pool_->create_vm(path_.vm, {}));
    api::VolumeConfig config;
    config.size = {1 << 20};
    TRY(execute(api::Create{config}));
    auto image = TRY(pool_->create_image(path_.vm, content));
    return execute(api::Publish{&image, api::Publish::AsAmendment{}});
}

Result<> PoolVolume::add_revision(int content, std::int64_t seconds) {
    auto image = TRY(pool_->create_image(path_.vm, content));
    return execute(api::Publish{&image, api::Publish::AsRevision{base::TimedName{seconds, {}}}});
}

Result<> PoolVolume::execute(const api::Command& command) {
    view_ = TRY(pool_->execute(path_, view_ ? &*view_ : nullptr, command));
    return {};
}

Result<> PoolVolume::make_ready() {
    TRY(pool_->prepare_start(path_, *view_, [] { return std::make_unique<api::Pool::StillCurrent>(); }));
    if (!std::filesystem::exists(precache())) return fail(base::Errc::Io, "there is no precache");
    return {};
}

// The session's image becomes the precache, which is quicker than to make another.
Result<> PoolVolume::stop_unwritten() { return execute(api::Stop{api::Stop::Outcome::Commit, keep_all()}); }

Result<> PoolVolume::write_device() {
    const auto device = TRY(pool_->device(path_, *view_));
    const UniqueFd file(::open(device.c_str(), O_RDWR | O_CLOEXEC));
    TRY(checked(file.get(), "cannot open the device"));
    return overwrite(file.get(), guest_write);
}

Result<> PoolVolume::remove_newest_revision() {
    const auto newest = std::ranges::max_element(view_->revisions, {}, &api::Revision::number)->id;
    const auto held = TRY(pool_->open_state(path_, *view_, newest));
    return execute(api::RemoveRevision{newest});
}

api::Retention PoolVolume::keep_all() {
    api::Retention all;
    all.keep = api::RevisionsToKeep::from(1'000'000).value();
    return all;
}

}  // namespace varve::benchmarks
