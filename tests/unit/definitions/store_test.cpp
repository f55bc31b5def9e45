// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/definitions/store.h"

#include "tests/unit/definitions/samples.h"

#include <fstream>

namespace varve::definitions::tests {
namespace {

namespace fs = std::filesystem;

class Store : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "varve-definitions-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        state_ = pattern;
    }
    void TearDown() override { fs::remove_all(state_); }

    std::unique_ptr<DefinitionStore> open() {
        auto store = DefinitionStore::open(state_);
        EXPECT_TRUE(store) << store.error().message();
        return store ? *std::move(store) : nullptr;
    }
    fs::path file(const std::string& name) const { return state_ / "vms" / name; }
    void put(const std::string& name, std::string_view text) const {
        fs::create_directories(state_ / "vms");
        std::ofstream(file(name)) << text;
    }
    static std::string names(const DefinitionStore& store) {
        std::string all;
        for (const auto& vm : store.all()) all += (all.empty() ? "" : " ") + vm.name.str();
        return all;
    }
    template <class T>
    static base::Errc code(const base::Result<T>& result) {
        EXPECT_FALSE(result);
        return result ? base::Errc::Io : result.error().code;
    }

    fs::path state_;
};

TEST_F(Store, KeepsWhatWasCreated) {
    const auto app = accepted("work", "class = \"app\"\ntemplate = \"fedora\"\nvcpus = 3\n");
    {
        const auto store = open();
        ASSERT_TRUE(store->create(a_template("fedora")));
        ASSERT_TRUE(store->create(app));
    }
    const auto store = open();
    EXPECT_EQ(names(*store), "fedora work");
    EXPECT_EQ(store->find(vm_name("work")).value(), app);
    EXPECT_TRUE(store->troubles().empty());
}

TEST_F(Store, TellsOfEachChangeWhenItCanBeSeen) {
    const auto store = open();
    std::vector<std::string> seen;
    store->on_change([&] { seen.push_back(names(*store)); });
    ASSERT_TRUE(store->create(a_template("fedora")));
    ASSERT_TRUE(store->set(vm_name("fedora"), {{"memory", "1G"}}));
    ASSERT_TRUE(store->rename(vm_name("fedora"), vm_name("debian")));
    ASSERT_TRUE(store->clone(vm_name("debian"), vm_name("sid")));
    ASSERT_TRUE(store->remove(vm_name("debian")));
    EXPECT_EQ(seen, (std::vector<std::string>{"fedora", "fedora", "debian", "debian sid", "sid"}));
    store->on_change({});
    ASSERT_TRUE(store->remove(vm_name("sid")));
    EXPECT_EQ(seen.size(), 5U);
}

TEST_F(Store, RefusesWhatIsThereAlready) {
    put("broken.toml", "class = ");
    const auto store = open();
    ASSERT_TRUE(store->create(a_template("fedora")));
    EXPECT_EQ(code(store->create(a_template("fedora"))), base::Errc::Exists);
    EXPECT_EQ(code(store->create(a_template("broken"))), base::Errc::Exists);
    EXPECT_EQ(code(store->rename(vm_name("fedora"), vm_name("broken"))), base::Errc::Exists);
    EXPECT_EQ(code(store->clone(vm_name("fedora"), vm_name("fedora"))), base::Errc::Exists);
}

TEST_F(Store, BadFilesAreReportedAndTheOthersGoOn) {
    put("good.toml", "class = \"template\"\n");
    put("bad.toml", "class = \"template\"\nvcpus = 0\n");
    put("lost.toml", "class = \"app\"\ntemplate = \"missing\"\n");
    put("not a name.toml", "class = \"template\"\n");
    put("notes.txt", "nothing to us");
    put(".work.toml~", "half written");
    fs::create_directory(file("dir.toml"));
    const auto store = open();
    EXPECT_EQ(names(*store), "good lost");
    const auto troubles = store->troubles();
    ASSERT_EQ(troubles.size(), 4U);
    EXPECT_EQ(troubles[0].file, file("bad.toml"));
    EXPECT_EQ(troubles[0].what, "line 2: vcpus: expected a number from 1 to 512, not the number 0");
    EXPECT_EQ(troubles[1].file, file("dir.toml"));
    EXPECT_EQ(troubles[2].file, file("not a name.toml"));
    EXPECT_EQ(troubles[3].file, file("lost.toml"));
    EXPECT_TRUE(troubles[3].usable);
    EXPECT_EQ(troubles[3].what, "its template 'missing' does not exist");
}

TEST_F(Store, SetsOneKey) {
    put("work.toml", "class = \"standalone\"\n");
    EXPECT_EQ(open()->set(vm_name("work"), {{"memory", "2G"}})->memory.initial.count, 2ULL << 30);
    const auto store = open();
    EXPECT_EQ(store->find(vm_name("work"))->memory.initial.count, 2ULL << 30);
    EXPECT_EQ(code(store->set(vm_name("work"), {{"needs", "nobody"}})), base::Errc::InvalidArgument);
    EXPECT_EQ(code(store->set(vm_name("nobody"), {{"vcpus", "1"}})), base::Errc::NotFound);
    EXPECT_TRUE(store->find(vm_name("work"))->needs.empty());
}

TEST_F(Store, SetsInterfacesAndNothingElse) {
    auto store = open();
    ASSERT_TRUE(store->create(accepted("work", "class = \"standalone\"\nvcpus = 3\n[[interface]]\nnetwork = \"lan\"\n")));
    const std::vector<Interface> wanted{{BridgeName::parse("br0").value(), {}, {}}};
    ASSERT_TRUE(store->set_interfaces(vm_name("work"), wanted));
    EXPECT_EQ(store->set_interfaces(vm_name("nobody"), wanted).error().code, base::Errc::NotFound);
    store = open();
    EXPECT_EQ(store->find(vm_name("work")).value().interfaces, wanted);
    EXPECT_EQ(store->find(vm_name("work")).value().vcpus, 3U);
}

TEST_F(Store, RemovesWhatNobodyNeeds) {
    const auto store = open();
    ASSERT_TRUE(store->create(a_template("fedora")));
    ASSERT_TRUE(store->create(an_app("work", "fedora")));
    EXPECT_EQ(code(store->remove(vm_name("fedora"))), base::Errc::Busy);
    EXPECT_TRUE(store->remove(vm_name("work")));
    EXPECT_TRUE(store->remove(vm_name("fedora")));
    EXPECT_EQ(code(store->remove(vm_name("fedora"))), base::Errc::NotFound);
    EXPECT_EQ(names(*open()), "");
}

TEST_F(Store, ReferencesFollowARename) {
    const auto store = open();
    ASSERT_TRUE(store->create(a_template("fedora")));
    ASSERT_TRUE(store->create(an_app("work", "fedora")));
    ASSERT_TRUE(store->rename(vm_name("fedora"), vm_name("debian")));
    EXPECT_EQ(names(*store), "debian work");
    const auto again = open();
    EXPECT_EQ(names(*again), "debian work");
    EXPECT_EQ(*template_of(again->find(vm_name("work")).value()), vm_name("debian"));
    EXPECT_TRUE(again->troubles().empty());
    EXPECT_FALSE(fs::exists(file(".rename.toml")));
}

// The states that a kill leaves behind the point of no return.
TEST_F(Store, AnInterruptedRenameIsFinished) {
    for (const bool moved : {false, true}) {
        fs::remove_all(state_ / "vms");
        put(moved ? "debian.toml" : "fedora.toml", "class = \"template\"\n");
        put("work.toml", "class = \"app\"\ntemplate = \"fedora\"\n");
        put(".rename.toml", "from = \"fedora\"\nto = \"debian\"\n");
        for (int times = 0; times < 2; ++times) {
            const auto store = open();
            EXPECT_EQ(names(*store), "debian work") << moved;
            EXPECT_EQ(*template_of(store->find(vm_name("work")).value()), vm_name("debian"));
            EXPECT_TRUE(store->troubles().empty());
        }
        EXPECT_FALSE(fs::exists(file(".rename.toml")));
    }
}

TEST_F(Store, AnIntentThatCannotBeUnderstoodIsAnError) {
    put(".rename.toml", "from = \"a\"\n");
    const auto store = DefinitionStore::open(state_);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, base::Errc::Corrupt);
    EXPECT_NE(store.error().message().find(file(".rename.toml").string() + ": "), std::string::npos) << store.error().message();
    EXPECT_NE(store.error().message().find("to is missing"), std::string::npos) << store.error().message();
}

TEST_F(Store, WhatIsUnderWayIsKnownToTheNext) {
    const Remake rename{Remake::What::Rename,
                        vm_name("a"),
                        vm_name("b"),
                        {base::PoolName::parse("fast").value(), base::PoolName::parse("slow").value()}};
    const Remake clone{Remake::What::Clone, vm_name("a"), vm_name("c"), {}};
    {
        const auto store = open();
        ASSERT_TRUE(store->remakes().note(rename));
        ASSERT_TRUE(store->remakes().note(clone));
    }
    const auto store = open();
    EXPECT_EQ(store->remakes().all(), (std::vector{rename, clone}));
    EXPECT_EQ(store->remakes().of(vm_name("a")), rename);
    EXPECT_EQ(store->remakes().of(vm_name("b")), rename);
    EXPECT_EQ(store->remakes().of(vm_name("c")), clone);
    EXPECT_FALSE(store->remakes().of(vm_name("d")));
    ASSERT_TRUE(store->remakes().forget(rename));
    EXPECT_EQ(open()->remakes().all(), std::vector{clone});
    for (const auto* text : {"what = \"clone\"\nfrom = \"a\"\nto = \"c\"\n", "what = \"copy\"\n",
                             "what = \"clone\"\nfrom = \"a\"\nto = \"d\"\npools = []\n"}) {
        std::ofstream(state_ / "remakes" / "c.toml") << text;
        EXPECT_EQ(code(DefinitionStore::open(state_)), base::Errc::Corrupt) << text;
    }
}

TEST_F(Store, ACloneIsItsOwn) {
    put("fedora.toml", "class = \"template\"\n");
    put("dvm.toml",
        "class = \"app\"\ntemplate = \"fedora\"\ntemplate_for_dispvms = true\npreload-dispvm-max = 4\n"
        "uuid = \"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"\n[[interface]]\nnetwork = \"default\"\nmac = \"52:54:00:12:34:56\"\n");
    const auto store = open();
    const auto copy = store->clone(vm_name("dvm"), vm_name("copy")).value();
    EXPECT_NE(copy.uuid, store->find(vm_name("dvm"))->uuid);
    EXPECT_FALSE(copy.interfaces.at(0).mac);
    ASSERT_NE(disposables_of(copy), nullptr);
    EXPECT_FALSE(disposables_of(copy)->preload_max);
    EXPECT_EQ(open()->find(vm_name("copy")).value(), copy);
}

}  // namespace
}  // namespace varve::definitions::tests
