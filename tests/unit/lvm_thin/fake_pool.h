// SPDX-License-Identifier: LGPL-2.1-or-later
// A pool over a thin pool in memory, and the short way to its volumes.
#pragma once

#include "drivers/lvm_thin/lvm_thin.h"
#include "tests/fakes/fake_lvm.h"
#include "tests/support/manual_clock.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

namespace varve::lvm_thin {

class FakePool {
public:
    explicit FakePool(std::shared_ptr<fakes::FakeThinDisk> thin_disk = std::make_shared<fakes::FakeThinDisk>())
        : disk(std::move(thin_disk)) {}

    static base::VolumePath path(std::string_view vm, std::string_view volume) {
        return {base::VmName::parse(vm).value(), base::VolumeName::parse(volume).value()};
    }
    static base::RevisionId revision(std::string_view text) { return base::RevisionId::parse(text).value(); }
    static api::VolumeConfig origin(std::uint64_t size = 1 << 20) {
        api::VolumeConfig config;
        config.size = {size};
        return config;
    }

    // Opens it, again after another one was closed.
    base::Result<> open() {
        pool.reset();
        Settings settings{base::PoolName::parse("pool").value(), "vg", fakes::FakeLvm::pool};
        settings.data_watermark = data_watermark;
        pool = TRY(lvm_thin::open(settings, std::make_unique<fakes::FakeLvm>(disk), ids, clock, log, boot));
        return pool->recover();
    }

    std::optional<api::VolumeView> view(const base::VolumePath& volume) {
        auto found = pool->load_volume(volume, nullptr);
        return found ? *found : std::nullopt;
    }
    base::Result<> run(const base::VolumePath& volume, const api::Command& command) {
        const auto present = view(volume);
        TRY(pool->execute(volume, present ? &*present : nullptr, command));
        return {};
    }
    base::Result<> create(const base::VolumePath& volume, const api::VolumeConfig& config = origin()) {
        const auto vm = pool->create_vm(volume.vm, {});
        if (!vm && vm.error().code != base::Errc::Exists) return vm;
        return run(volume, api::Create{config});
    }
    base::Result<> write(const base::VolumePath& volume, std::string_view text) {
        const auto device = TRY(pool->device(volume, *view(volume)));
        const base::UniqueFd fd(::open(device.c_str(), O_RDWR | O_CLOEXEC));
        std::string padded(text);
        padded.resize(64);
        if (::pwrite(fd.get(), padded.data(), padded.size(), 0) != 64) return base::fail_errno(errno, "write");
        return {};
    }
    base::Result<> session(const base::VolumePath& volume, std::string_view text) {
        TRY(run(volume, api::Start{}));
        TRY(write(volume, text));
        return run(volume, api::Stop{api::Stop::Outcome::Commit, everything()});
    }
    static api::Retention everything() {
        api::Retention all;
        all.keep = api::RevisionsToKeep::from(1000).value();
        return all;
    }
    std::string read(const base::VolumePath& volume, const api::StateRef& state = api::CommittedState{}) {
        const auto present = view(volume);
        if (!present) return "(no volume)";
        const auto fd = pool->open_state(volume, *present, state);
        if (!fd) return "(" + std::string(base::name_of(fd.error().code)) + ")";
        std::array<char, 64> text{};
        (void)!::pread(fd->get(), text.data(), text.size() - 1, 0);
        return text.data();
    }

    base::Percent data_watermark{95};
    std::shared_ptr<fakes::FakeThinDisk> disk;
    api::StateIds ids;
    test_support::ManualClock clock{{1'600'000'000, 0}};
    kernel::BootId boot{"11111111-1111-1111-1111-111111111111"};
    spdlog::logger log{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
    std::unique_ptr<api::Pool> pool;
};

}  // namespace varve::lvm_thin
