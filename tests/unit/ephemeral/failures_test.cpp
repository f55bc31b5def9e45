// SPDX-License-Identifier: LGPL-2.1-or-later
// Every call fails once: what the command had done is undone, or a second try does it.
#include "tests/unit/ephemeral/world.h"

#include <cerrno>

namespace varve::ephemeral_tests {
namespace {

// `command` with its nth call failing, on a new world that `arrange` has made; false when it has no such call.
template <class Arrange, class Command, class Check>
void fail_every_call(Arrange arrange, Command command, Check check) {
    std::size_t failures = 0;
    for (std::size_t call = 1; call < more_than_any_command; ++call) {
        SCOPED_TRACE("call " + std::to_string(call));
        World world;
        arrange(world);
        const auto before = world.kernel_objects();
        world.faults().fail_at(call, EIO);
        const auto done = command(world);
        const bool failed = world.faults().failed().has_value();
        world.faults().count();
        if (!failed) {
            EXPECT_TRUE(succeeded(done));
            EXPECT_GT(failures, 5U) << "there was something to fail";
            return;
        }
        ++failures;
        const auto left = world.kernel_objects();
        if (!done && done.error().code != base::Errc::Degraded) {
            EXPECT_EQ(left, before) << "it says that it has changed nothing: " << done.error().message();
        }
        if (!done) world.reload(swap);
        check(world, done);
        if (testing::Test::HasFailure()) return;
    }
    ADD_FAILURE() << "the command has no end";
}

TEST(EphemeralFailures, AStartThatFailsLeavesNothing) {
    fail_every_call([](World& world) { world.make(swap); }, [](World& world) { return world.start(swap); },
                    [](World& world, const base::Result<>& done) {
                        EXPECT_EQ(world.started(swap), done.has_value());
                        if (done) {
                            EXPECT_TRUE(succeeded(world.device(swap)));
                        } else {
                            EXPECT_FALSE(world.view(swap)->session);
                            EXPECT_EQ(world.kernel_objects(), "") << done.error().message();
                            EXPECT_TRUE(succeeded(world.start(swap)));
                        }
                        EXPECT_TRUE(succeeded(world.stop(swap)));
                        EXPECT_EQ(world.kernel_objects(), "");
                    });
}

TEST(EphemeralFailures, AStopThatFailsCanBeTriedAgain) {
    const auto arrange = [](World& world) {
        world.make(swap);
        ASSERT_TRUE(succeeded(world.start(swap)));
    };
    fail_every_call(
        arrange, [](World& world) { return world.stop(swap); },
        [](World& world, const base::Result<>& done) {
            if (world.view(swap)->session) {
                EXPECT_FALSE(done);
                EXPECT_TRUE(succeeded(world.device(swap))) << "a session that is shown has its device: " << done.error().message();
                EXPECT_TRUE(succeeded(world.stop(swap)));
            }
            EXPECT_EQ(world.kernel_objects(), "");
            EXPECT_TRUE(succeeded(world.start(swap)));
        });
}

TEST(EphemeralFailures, AResizeThatFailsCanBeTriedAgain) {
    constexpr base::Bytes larger{2 * mib.count};
    const auto arrange = [](World& world) {
        world.make(swap);
        ASSERT_TRUE(succeeded(world.start(swap)));
    };
    fail_every_call(
        arrange, [&](World& world) { return world.execute(swap, api::Resize{larger}); },
        [&](World& world, const base::Result<>& /*done*/) {
            EXPECT_TRUE(world.started(swap));
            EXPECT_FALSE(world.mapped(ready)->suspended);
            EXPECT_TRUE(succeeded(world.execute(swap, api::Resize{larger})));
            EXPECT_EQ(world.mapped(ready)->live->size().bytes(), larger);
            EXPECT_EQ(world.view(swap)->session->size, larger);
            EXPECT_TRUE(world.keys().held.empty());
            EXPECT_TRUE(succeeded(world.stop(swap)));
            EXPECT_EQ(world.kernel_objects(), "");
        });
}

TEST(EphemeralFailures, NoErrorShowsTheKey) {
    for (const bool keyring : {true, false}) {
        for (std::size_t call = 1; call < more_than_any_command; ++call) {
            World world;
            world.keys().there = keyring;
            world.make(swap);
            std::vector<std::string> keys;  // all that there were, in hexadecimal
            world.devices().watch([&](fakes::Effect) {
                for (const auto& [name, device] : world.devices().mapped())
                    for (const auto& target : device.live ? device.live->targets() : std::vector<kernel::DmTarget>{})
                        if (const auto* const crypt = std::get_if<kernel::CryptTarget>(&target.kind))
                            if (const auto* const key = std::get_if<kernel::SecretKey>(&crypt->key)) {
                                kernel::WipedText text;
                                key->append_hex_to(text);
                                keys.emplace_back(text.view());
                            }
                for (const auto& [name, key] : world.keys().keys) {
                    kernel::WipedText text;
                    key.append_hex_to(text);
                    keys.emplace_back(text.view());
                }
            });
            world.faults().fail_at(call, EIO);
            const auto done = world.start(swap);
            const bool failed = world.faults().failed().has_value();
            world.devices().watch({});
            const auto said = world.log() + (done ? "" : done.error().message());
            for (const auto& key : keys) EXPECT_EQ(said.find(key.substr(0, 12)), std::string::npos);
            if (!failed) {
                EXPECT_FALSE(keys.empty());
                break;
            }
        }
    }
}

}  // namespace
}  // namespace varve::ephemeral_tests
