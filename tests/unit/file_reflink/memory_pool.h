// SPDX-License-Identifier: LGPL-2.1-or-later
// A file-reflink pool over a file system in memory, for tests of one call.
#pragma once

#include "drivers/file_reflink/file_reflink.h"
#include "tests/fakes/memory_filesystem.h"
#include "tests/fakes/stepping_clock.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace varve::file_reflink {

class MemoryPoolTest : public testing::Test {
protected:
    static constexpr base::Bytes size{8192};

    static base::VolumePath path(const std::string& text) {
        const auto slash = text.find('/');
        return {base::VmName::parse(text.substr(0, slash)).value(), base::VolumeName::parse(text.substr(slash + 1)).value()};
    }

    void open() {
        const Settings settings{base::PoolName::parse("pool").value(), "/pool", true, api::RevisionsToKeep::standard()};
        auto opened = file_reflink::open(settings, files_, ids_, clock_, log_, kernel::BootId{"this boot"});
        ASSERT_TRUE(opened) << opened.error().message();
        pool_ = std::move(*opened);
        ASSERT_TRUE(pool_->recover());
        views_.clear();
        const auto vms = pool_->list_vms();
        ASSERT_TRUE(vms);
        for (const auto& vm : *vms) {
            const auto loaded = pool_->load_vm(vm);
            ASSERT_TRUE(loaded) << loaded.error().message();
            for (const auto& [volume, view] : loaded->volumes) views_[vm.str() + "/" + volume.str()] = view;
        }
    }

    const api::VolumeView* view(const std::string& volume) const {
        const auto found = views_.find(volume);
        return found == views_.end() ? nullptr : found->second.get();
    }

    void run(const std::string& volume, const api::Command& command) {
        auto done = pool_->execute(path(volume), view(volume), command);
        ASSERT_TRUE(done) << done.error().message();
        views_.erase(volume);
        if (*done) views_[volume] = std::make_shared<const api::VolumeView>(**done);
    }

    void stop(const std::string& volume, long long keep) {
        run(volume, api::Stop{api::Stop::Outcome::Commit,
                              {.keep = api::RevisionsToKeep::from(keep).value(), .now = clock_.now(), .grace_seconds = 0, .sources = {}}});
    }

    api::PrivateImage image(const std::string& volume, std::string_view text) {
        auto made = pool_->create_image(path(volume).vm, std::nullopt).value();
        EXPECT_EQ(::pwrite(made.fd(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        EXPECT_EQ(::ftruncate(made.fd(), static_cast<off_t>(size.count)), 0);
        return made;
    }

    // As a guest or another program does; the path is below the pool's directory.
    void write(const std::string& file, std::string_view text) {
        const auto open = files_.open_beside(file);
        ASSERT_TRUE(open) << file;
        ASSERT_EQ(::pwrite(open->get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }

    std::string read(const std::string& volume, const api::StateRef& state) {
        const auto open = pool_->open_state(path(volume), *view(volume), state);
        if (!open) return open.error().message();
        std::string text(12, '\0');
        EXPECT_EQ(::pread(open->get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        return text.substr(0, text.find('\0'));
    }

    fakes::SteppingClock clock_{{1'700'000'000, 0}};
    fakes::MemoryFileSystem files_{"/pool", clock_};
    api::StateIds ids_;
    spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
    std::unique_ptr<api::Pool> pool_;
    std::map<std::string, std::shared_ptr<const api::VolumeView>> views_;
};

}  // namespace varve::file_reflink
