// SPDX-License-Identifier: LGPL-2.1-or-later
// reload, after somebody edited the configuration.
#include "tests/mount/cli/cli_test.h"

namespace varve::test_support {
namespace {

class CliReloadTest : public CliTest {
protected:
    void SetUp() override {
        CliTest::SetUp();
        before_ = read_file(file_);
        ASSERT_NE(before_, "");
    }
    void TearDown() override {
        ASSERT_EQ(write_file(file_, before_), ok);
        must_varve({"reload"});
        CliTest::TearDown();
    }

    void write(const std::string& text) const { ASSERT_EQ(write_file(file_, text), ok); }
    [[nodiscard]] std::string sim(const std::string& name, const std::string& more = {}) const {
        return "\n[[pool]]\nname = \"" + name + "-" + vm() + "\"\ndriver = \"sim\"\n" + more + "\n";
    }
    [[nodiscard]] std::string line(const std::string& name, const std::string& what) const {
        return "pool " + name + "-" + vm() + "  " + what + "\n";
    }
    [[nodiscard]] bool open(const std::string& name) const { return present(pool(name + "-" + vm())); }

    static constexpr const char* read_again_ = "the configuration is read again\n";
    const Path file_ = mount().parent_path() / "varve.toml";
    std::string before_;
};

TEST_F(CliReloadTest, TellsWhatItOpensChangesAndCloses) {
    EXPECT_EQ(must_varve({"reload"}), read_again_);
    write(before_ + sim("a") + sim("b"));
    EXPECT_EQ(must_varve({"reload"}), read_again_ + line("a", "opened") + line("b", "opened"));
    EXPECT_TRUE(open("a") && open("b"));
    write(before_ + sim("b", "schedule = \"7d\"\nprune_below = \"10%\""));
    EXPECT_EQ(must_varve({"reload"}), read_again_ + line("a", "closed") + line("b", "schedule changed") + line("b", "prune_below changed"));
    EXPECT_FALSE(open("a"));
    EXPECT_EQ(json_of({"retention", "b-" + vm()}).at("/prune_below"), "10%");
    write(before_ + sim("c"));
    const auto told = json_of({"reload"});
    EXPECT_EQ(told.at("/results/0/result/opened/0"), "c-" + vm()) << told.text;
    EXPECT_EQ(told.at("/results/0/result/closed/0"), "b-" + vm()) << told.text;
    EXPECT_EQ(told.at("/results/0/result/needs_restart"), "[]") << told.text;
}

TEST_F(CliReloadTest, TellsWhatWaitsForARestart) {
    auto changed = before_;
    changed.replace(changed.find("min_free = \"0%\""), 15, "min_free = \"1%\"");
    const auto other = changed.find("name = \"other\"");
    ASSERT_NE(other, std::string::npos);
    changed.insert(other, "mode = \"0700\"\n");
    write(changed);
    EXPECT_EQ(must_varve({"reload"}), std::string(read_again_) + "min_free is not taken over: it needs a restart of varvefs\n" +
                                          "pool other  mode is not taken over: it needs a restart of varvefs\n");
    const auto told = json_of({"reload"});
    EXPECT_EQ(told.at("/results/0/result/needs_restart/0/key"), "min_free") << "as long as it waits";
    EXPECT_EQ(told.at("/results/0/result/needs_restart/1/pool"), "other") << told.text;
}

TEST_F(CliReloadTest, AMistakeChangesNothing) {
    write(before_ + sim("a") + sim("b", "size = \"much\"") + sim("c", "colour = 5"));
    expect_refused_with(Exit::failed, {"reload"}, {"nothing was changed", "size: ", "no parameter colour"});
    EXPECT_FALSE(open("a"));
    write(before_ + sim("a", "schedule = \"often\""));
    expect_refused_with(Exit::failed, {"reload"}, {"nothing was changed", "'often' is no schedule"});
    write(before_ + sim("a") + "[[pool]]\nname = \"b\"\ndriver = \"file-reflink\"\ndir_path = \"/nonexistent\"\n");
    expect_refused_with(Exit::not_found, {"reload"}, {"pool b cannot be opened", "/nonexistent"});
    EXPECT_FALSE(open("a"));
}

}  // namespace
}  // namespace varve::test_support
