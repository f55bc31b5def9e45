// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of the daemon under load: what was reported is there, nothing half is, and nothing stays behind.
#include "tests/mount/crash/load.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <set>
#include <utility>

namespace varve::test_support {
namespace {

class KillTest : public MountTest {
protected:
    // Only what the tree shows, the records, and what makes starts fast.
    void expect_no_leftovers() const {
        const auto leftover = [&]() -> std::string {
            for (const auto& name : list_directory(backing(vm())))
                if (name.find('~') != std::string::npos || name.find("-import") != std::string::npos ||
                    (name.starts_with('.') && name != ".varve.json"))
                    return name;
            return "";
        };
        // The new daemon prepares starts in the background, under a temporary name.
        EXPECT_TRUE(eventually([&] { return leftover().empty(); })) << leftover();
        for (const auto& name : names()) EXPECT_FALSE(name.starts_with('.') || name.starts_with("Cu")) << name;
        EXPECT_EQ(vm_command("verify").text.find("\"what\""), std::string::npos) << vm_command("verify").text;
    }
};

TEST_F(KillTest, WritersLoseNothingThatWasReported) {
    constexpr int volumes = 4;
    constexpr int rounds = 6;
    std::vector<Progress> totals(volumes);
    std::vector<std::set<std::size_t>> unreported(volumes);  // begun when the daemon died: there or not, but whole
    for (int round = 0; round < rounds; ++round) {
        SCOPED_TRACE(round);
        {
            std::vector<std::unique_ptr<LoadProcess>> writers;
            for (int i = 0; i < volumes; ++i)
                writers.push_back(std::make_unique<LoadProcess>(at("v" + std::to_string(i) + ".img"), static_cast<WriteStyle>(i),
                                                                totals[static_cast<std::size_t>(i)].attempted));
            const auto busy_since = std::chrono::steady_clock::now();
            // At a moment that differs from round to round, once everybody has committed something.
            ASSERT_TRUE(eventually([&] {
                for (const auto& writer : writers)
                    if (writer->progress().reported <= 3) return false;
                return std::chrono::steady_clock::now() - busy_since > std::chrono::milliseconds(300 + 170 * round);
            }));
            daemon().kill();
            for (std::size_t i = 0; i < volumes; ++i) {
                totals[i] = writers[i]->finish();
                if (totals[i].attempted > totals[i].reported) unreported[i].insert(totals[i].attempted);
            }
        }
        ASSERT_TRUE(daemon().start());
        for (std::size_t i = 0; i < volumes; ++i) expect_nothing_lost(vm_path(), "v" + std::to_string(i), totals[i], unreported[i]);
        expect_no_leftovers();
    }
    EXPECT_EQ(write_file(at("v0.img"), state_content(1)), ok) << "and it works on";
    must("v0", "start");
    must("v0", "stop");
}

TEST_F(KillTest, SessionsRevertsAndLabelsLoseNothing) {
    constexpr int rounds = 5;
    for (int round = 0; round < rounds; ++round) {
        SCOPED_TRACE(round);
        const auto sessions = "s" + std::to_string(round);
        const auto reverts = "r" + std::to_string(round);
        ASSERT_EQ(make_state(at(sessions + ".img"), state_content(1), 1'500'000'000), ok);
        for (std::size_t i = 1; i <= 3; ++i)
            ASSERT_EQ(make_state(at(reverts + ".img"), state_content(i), 1'500'000'000 + static_cast<std::int64_t>(i)), ok);
        {
            // Starts, writes as a guest, stops: each committed state is the next number.
            Child starter([&] {
                for (std::size_t number = 2;; ++number) {
                    if (command(sessions, "start").error != ok) return 0;
                    OpenFile device(control(sessions, "device"), O_RDWR);
                    if (device.opened() != ok || device.write_at(0, state_content(number)) != ok) return 0;
                    if (device.close() != ok || command(sessions, "stop").error != ok) return 0;
                }
            });
            // Moves three states round, and takes and removes labels.
            Child reverter([&] {
                for (int i = 0;; ++i) {
                    const auto all = names();
                    for (const auto& name : all)
                        if (name.starts_with(reverts + ".img@2")) {
                            if (const auto error = rename_path(at(name), at(reverts + ".img")); error != ok && error != Errno{ENOENT})
                                return 0;
                            break;
                        }
                    const auto label = at(reverts + ".img@l" + std::to_string(i));
                    if (link_file(at(reverts + ".img"), label) != ok || (i % 2 == 0 && remove_file(label) != ok)) return 0;
                }
            });
            const auto since = std::chrono::steady_clock::now();
            ASSERT_TRUE(
                eventually([&] { return std::chrono::steady_clock::now() - since > std::chrono::milliseconds(400 + 210 * round); }));
            daemon().kill();
            (void)starter.wait();
            (void)reverter.wait();
        }
        ASSERT_TRUE(daemon().start());
        for (const auto& content : states_of(vm_path(), sessions))
            EXPECT_TRUE(whole_state(content)) << sessions << ": " << content.substr(0, 64);
        ASSERT_TRUE(present(at(sessions + ".img")));
        std::vector<bool> seen(4, false);
        for (const auto& content : states_of(vm_path(), reverts)) {
            const auto number = whole_state(content);
            ASSERT_TRUE(number && *number <= 3) << reverts << ": " << content.substr(0, 64);
            seen[*number] = true;
        }
        EXPECT_TRUE(present(at(reverts + ".img"))) << "a revert never leaves its volume without a state";
        EXPECT_TRUE(seen[1] && seen[2] && seen[3]) << "a state is lost";
        const auto state = value(sessions, "state");
        EXPECT_TRUE(state == "halted" || state == "started") << state;
        if (state == "started") must(sessions, "discard");
        EXPECT_TRUE(whole_state(read_file(at(sessions + ".img"))));
        expect_no_leftovers();
    }
}

TEST_F(KillTest, AnOpenTransactionIsGone) {
    ASSERT_EQ(write_file(at("data.img"), state_content(1)), ok);
    OpenFile file(at("data.img"), O_WRONLY);
    ASSERT_EQ(file.write_at(0, state_content(2)), ok);
    ASSERT_EQ(file.sync(), ok);
    daemon().kill();
    EXPECT_NE(file.close(), ok) << "nobody was there to commit it";
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(read_file(at("data.img")), state_content(1));
    EXPECT_EQ(names(), std::vector<std::string>{"data.img"});
    EXPECT_EQ(value("data", "state"), "halted");
    expect_no_leftovers();
}

TEST_F(KillTest, RenamesOfVolumesAndVmsAreWhole) {
    constexpr int rounds = 4;
    const auto child = another_vm();
    ASSERT_EQ(make_state(at("data.img"), state_content(1), 1'500'000'000), ok);
    ASSERT_EQ(make_state(at("data.img"), state_content(2), 1'500'000'001), ok);
    ASSERT_EQ(symlink_to("../" + vm() + "/data.img", pool() / child / "root.img"), ok);
    const auto other_name = stage().fresh_name();
    for (int round = 0; round < rounds; ++round) {
        SCOPED_TRACE(round);
        Child renamer([&] {
            for (;;) {
                for (const auto& [from, to] : {std::pair{vm_path(), pool() / other_name}, std::pair{pool() / other_name, vm_path()}}) {
                    const auto error = rename_path(from, to);
                    if (error != ok && error != Errno{ENOENT}) return 0;
                    (void)rename_path(to / "data.img", to / "moved.img");  // either name may be there
                    (void)rename_path(to / "moved.img", to / "data.img");
                }
            }
        });
        const auto since = std::chrono::steady_clock::now();
        ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() - since > std::chrono::milliseconds(250 + 130 * round); }));
        daemon().kill();
        renamer.kill(SIGKILL);  // it would go on where the mount has been
        (void)renamer.wait();
        ASSERT_TRUE(daemon().start());
        const bool first = present(vm_path());
        ASSERT_NE(first, present(pool() / other_name)) << "exactly one of the names";
        const auto place = first ? vm_path() : pool() / other_name;
        const auto all = list_directory(place);
        ASSERT_EQ(all.size(), 2U);
        ASSERT_TRUE(all[0] == "data.img" || all[0] == "moved.img") << all[0];
        EXPECT_EQ(all[1], all[0] + "@2017-07-14T02:40:00Z") << "revisions go with their volume";
        EXPECT_EQ(read_file(place / all[0]), state_content(2));
        EXPECT_EQ(read_file(place / all[1]), state_content(1));
        EXPECT_EQ(link_target_of(pool() / child / "root.img"), "../" + place.filename().string() + "/" + all[0] + "@current")
            << "the child has followed in the same step";
        EXPECT_EQ(first ? ok : rename_path(place, vm_path()), ok);
        EXPECT_EQ(present(at("data.img")) ? ok : rename_path(at("moved.img"), at("data.img")), ok);
    }
}

TEST_F(KillTest, ACleanEndWithBusyFilesExitsWithZero) {
    OpenFile reader(mount() / ".varve" / "version", O_RDONLY);
    ASSERT_EQ(write_file(at("data.img"), state_content(1)), ok);
    OpenFile file(at("data.img"), O_RDONLY);
    EXPECT_EQ(daemon().terminate(), 0);
    ASSERT_TRUE(daemon().start());
    EXPECT_EQ(read_file(at("data.img")), state_content(1));
}

}  // namespace
}  // namespace varve::test_support
