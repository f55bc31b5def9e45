// SPDX-License-Identifier: LGPL-2.1-or-later
// Between a driver's change of the storage and the view that tells of it: whoever looks then finds what was, or what is.
#include "drivers/api/forwarding_pool.h"
#include "fs/engine/find_state.h"
#include "tests/unit/engine/world.h"

#include <future>
#include <latch>

namespace varve::engine_test {
namespace {

using api::Stop;

// Where the two threads of a test meet.
struct Moment {
    std::atomic<bool> wanted = false;
    std::latch changed{1};  // the storage has changed
    std::latch missed{1};   // somebody has looked for what was there
};

// Once the moment is wanted, a command that has changed the storage does not end before somebody has missed a state.
class SlowToTell final : public api::ForwardingPool {
public:
    SlowToTell(std::unique_ptr<api::Pool> pool, Moment& moment) : ForwardingPool(std::move(pool)), moment_(moment) {}

    // An image that has another name by now is not found under the one that the view says.
    Result<base::UniqueFd> open_state(const base::VolumePath& volume, const api::VolumeView& view,
                                      const api::StateRef& state) const override {
        if (!moment_.wanted.exchange(false)) return ForwardingPool::open_state(volume, view, state);
        moment_.missed.count_down();
        return base::fail(Errc::NotFound, "it is another state by now");
    }

private:
    Result<std::optional<api::VolumeView>> run(const base::VolumePath& volume, const api::VolumeView* present,
                                               const api::Command& command) override {
        auto done = run_checked(inner(), volume, present, command);
        if (moment_.wanted) {
            moment_.changed.count_down();
            moment_.missed.wait();
        }
        return done;
    }

    Moment& moment_;
};

class Unpublished : public World {
protected:
    Unpublished() : World({base::Bytes{0}, std::chrono::hours(24), std::chrono::seconds(10)}) {}
    void SetUp() override {
        stand_before_ = [this](std::unique_ptr<api::Pool> pool) { return std::make_unique<SlowToTell>(std::move(pool), moment_); };
        sim_settings_.revisions_to_keep = api::RevisionsToKeep::from(5).value();
        reboot();
        volume_.emplace(origin("work", "root"));
        commit(*volume_, "old", 1000);
        ASSERT_TRUE(succeeded(volumes_.start(*volume_)));
        write_device(*volume_, "new");
    }
    // Calls `look` when a stop has changed the storage and not told of it yet.
    template <class Look>
    auto during_a_stop(Look look) -> decltype(look()) {
        moment_.wanted = true;
        auto stopped = std::async(std::launch::async, [&] { return volumes_.stop(*volume_, Stop::Outcome::Commit); });
        moment_.changed.wait();
        auto found = look();
        if (moment_.wanted.exchange(false)) moment_.missed.count_down();
        EXPECT_TRUE(succeeded(stopped.get()));
        return found;
    }
    [[nodiscard]] static std::string text_in(int file) {
        std::array<char, 3> text{};
        EXPECT_EQ(::pread(file, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        return {text.data(), text.size()};
    }

    Moment moment_;
    std::optional<VolumeRef> volume_;
};

TEST_F(Unpublished, AStateIsFoundWhereItIsByThen) {
    const auto old = *volume_->view()->committed;
    const auto file = during_a_stop([&] {
        return volumes_.open_state(*volume_, [&](const engine::VolumeView& view) -> Result<api::StateRef> {
            if (const auto found = engine::find_state(*view, old)) return *found;
            return base::fail(Errc::NotFound, "it is gone");
        });
    });
    ASSERT_TRUE(succeeded(file));
    EXPECT_EQ(text_in(file->get()), "old");
}

TEST_F(Unpublished, AWriterBeginsWithWhatWasCommitted) {
    const auto transaction = during_a_stop([&] { return writes_.open(*volume_, process(1), false); });
    ASSERT_TRUE(succeeded(transaction));
    ASSERT_TRUE(writes_.open_announced(*transaction, 1));
    ASSERT_TRUE(succeeded(write(**transaction, "N")));
    ASSERT_TRUE(succeeded((*transaction)->flush(process(1))));
    ASSERT_TRUE(succeeded((*transaction)->released()));
    EXPECT_EQ(read(*volume_), "New");
}

TEST_F(Unpublished, WhatIsNotThereIsToldAtOnce) {
    const auto nothing = [](const engine::VolumeView&) -> Result<api::StateRef> {
        return base::fail(Errc::NotFound, "nothing of that name");
    };
    EXPECT_TRUE(failed(during_a_stop([&] { return volumes_.open_state(*volume_, nothing); }), Errc::NotFound));
}

}  // namespace
}  // namespace varve::engine_test
