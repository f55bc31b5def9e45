// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon dies at every call, before and after its effect; the next one, in this boot and in another, finds a session with its device or
// neither.
#include "tests/unit/ephemeral/world.h"

namespace varve::ephemeral_tests {
namespace {

using fakes::Faults;

enum class Death { Process, Machine };

class EphemeralCrash : public testing::TestWithParam<std::tuple<Death, Faults::Moment>> {
protected:
    template <class Arrange, class Command, class Check>
    void die_at_every_call(Arrange arrange, Command command, Check check) {
        const auto [death, moment] = GetParam();
        std::size_t deaths = 0;
        for (std::size_t call = 1; call < more_than_any_command; ++call) {
            SCOPED_TRACE("call " + std::to_string(call));
            World world;
            arrange(world);
            world.faults().die_at(call, moment);
            (void)command(world);  // nobody is there to hear
            if (!world.faults().dead()) {
                EXPECT_GT(deaths, 5U);
                return;
            }
            ++deaths;
            death == Death::Process ? world.restart() : world.reboot();
            expect_whole(world);
            if (death == Death::Machine) {
                EXPECT_FALSE(world.view(swap)->session);
            }
            check(world);
            if (testing::Test::HasFailure()) return;
        }
        ADD_FAILURE() << "the command has no end";
    }

    // A session that is shown has all that belongs to it; without one nothing is left.
    static void expect_whole(World& world) {
        ASSERT_NE(world.view(swap), nullptr);
        if (world.view(swap)->session) {
            EXPECT_TRUE(world.started(swap)) << "a dirty one would be offered without a key";
            EXPECT_EQ(world.device(swap).value(), "/dev/mapper/" + ready);
            EXPECT_EQ(world.mapped(ready)->live->size().bytes(), world.view(swap)->session->size);
            EXPECT_FALSE(world.mapped(ready)->suspended);
            EXPECT_EQ(world.keys().keys.size(), 1U);
            EXPECT_EQ(world.devices().loops().size(), 1U);
            EXPECT_EQ(world.devices().mapped().size(), 1U);
        } else {
            EXPECT_EQ(world.kernel_objects(), "");
        }
    }

    static void goes_on(World& world) {
        if (world.view(swap)->session) {
            EXPECT_TRUE(succeeded(world.stop(swap)));
        }
        EXPECT_EQ(world.kernel_objects(), "");
        EXPECT_TRUE(succeeded(world.start(swap)));
        EXPECT_TRUE(succeeded(world.stop(swap)));
        EXPECT_EQ(world.kernel_objects(), "");
    }
};

TEST_P(EphemeralCrash, InAStart) {
    die_at_every_call([](World& world) { world.make(swap); }, [](World& world) { return world.start(swap); }, goes_on);
}

TEST_P(EphemeralCrash, InAStop) {
    const auto arrange = [](World& world) {
        world.make(swap);
        ASSERT_TRUE(succeeded(world.start(swap)));
    };
    die_at_every_call(
        arrange, [](World& world) { return world.stop(swap); }, goes_on);
}

TEST_P(EphemeralCrash, InAResize) {
    const auto arrange = [](World& world) {
        world.make(swap);
        ASSERT_TRUE(succeeded(world.start(swap)));
    };
    die_at_every_call(
        arrange, [](World& world) { return world.execute(swap, api::Resize{{2 * mib.count}}); }, goes_on);
}

// The recovery dies too: the one after it does what is left to do.
TEST_P(EphemeralCrash, InARecovery) {
    const auto [death, moment] = GetParam();
    if (death == Death::Machine) return;  // nothing is left of the kernel's objects that a recovery could be in the middle of
    for (std::size_t first = 1; first < more_than_any_command; ++first) {
        World world;
        world.make(swap);
        world.faults().die_at(first, moment, Faults::Calls::Changing);
        (void)world.start(swap);
        if (!world.faults().dead()) return;
        world.restart_dying_everywhere(moment);
        SCOPED_TRACE("call " + std::to_string(first));
        expect_whole(world);
        goes_on(world);
        if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(Deaths, EphemeralCrash,
                         testing::Combine(testing::Values(Death::Process, Death::Machine),
                                          testing::Values(Faults::Moment::Before, Faults::Moment::After)),
                         [](const auto& info) {
                             return std::string(std::get<0>(info.param) == Death::Process ? "Process" : "Machine") +
                                    (std::get<1>(info.param) == Faults::Moment::Before ? "BeforeTheCall" : "AfterTheCall");
                         });

}  // namespace
}  // namespace varve::ephemeral_tests
