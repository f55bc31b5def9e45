// SPDX-License-Identifier: LGPL-2.1-or-later
// Templates through the API: their versions, who runs which, and the way back.
#include "orchestrator/service/methods.h"
#include "orchestrator/service/versions.h"
#include "tests/unit/definitions/samples.h"
#include "tests/unit/preloading/world.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <map>

namespace varve::service::tests {
namespace {

using definitions::tests::accepted;
using nlohmann::json;
using orchestrator::Verb;

class FakeVersions final : public Versions {
public:
    base::Result<mount_client::Volume> read(const base::VolumeId& volume) override {
        const auto found = volumes.find(volume.str());
        if (found == volumes.end()) return base::fail(base::Errc::NotFound, "there is no " + volume.str());
        return found->second;
    }
    base::Result<std::optional<std::string>> base_time(const base::VolumeId& volume) override {
        const auto found = base_times.find(volume.str());
        return found == base_times.end() ? std::nullopt : std::optional(found->second);
    }
    base::Result<> revert(const base::VolumeId& volume, const base::RevisionId& revision) override {
        if (started) return base::fail(base::Errc::Busy, "it runs");
        reverted = volume.str() + "@" + revision.str();
        return {};
    }
    void add(const std::string& name, const std::string& source, const std::string& state, bool outdated) {
        auto reference = std::get<mount_client::StateReference>(mount_client::parse_reference(name).value());
        volumes.emplace(name, mount_client::Volume{reference.volume, "snapshot", state, source, 1, 1, outdated, {}});
    }

    std::map<std::string, mount_client::Volume> volumes;
    std::map<std::string, std::string> base_times;
    bool started = false;
    std::string reverted;
};

class TemplateMethods : public preloading::tests::World {
protected:
    static constexpr uid_t reader = 1000;

    TemplateMethods() {
        const auto with_root = [](const std::string& text) { return text + "[[volume]]\nname = \"root\"\npool = \"p\"\n"; };
        EXPECT_TRUE(store->create(accepted("debian", with_root("class = \"template\"\n"))));
        for (const auto* name : {"work", "secret", "own"})
            EXPECT_TRUE(store->create(accepted(name, with_root("class = \"app\"\ntemplate = \"debian\"\n"))));
        versions.add("p/debian/root", "", "halted", false);
        versions.volumes.at("p/debian/root").revisions = {{"2026-01-02T03:04:05Z", 1, 1, "2026-01-02T03:04:05.5Z", true}};
        versions.add("p/work/root", "../debian/root.img", "started", true);
        versions.add("p/secret/root", "../debian/root.img@label", "halted", false);
        versions.add("p/own/root", "../other/root.img", "halted", false);  // starts from somebody else
        rights = std::make_unique<orchestrator::Rights>(
            std::vector<orchestrator::Right>{
                {orchestrator::UserId{reader},
                 {Verb::See},
                 {orchestrator::VmPattern::parse("debian").value(), orchestrator::VmPattern::parse("work").value()}}},
            0);
        access = std::make_unique<Access>(*rights, *store, [](const base::VmName&) { return false; });
        add_template_methods(methods, *store, *machines, versions, *preloading, *access);
    }
    base::Result<json> call(const std::string& method, const json& params = json::object(), uid_t uid = 0) {
        return methods.find(method)->handler(params, {{uid, {}, 1}, [](std::string_view, const json&) {}});
    }

    FakeVersions versions;
    std::unique_ptr<orchestrator::Rights> rights;
    std::unique_ptr<Access> access;
    rpc::MethodTable methods;
};

TEST_F(TemplateMethods, AreListedWithWhomTheCallerMaySee) {
    const auto all = call("template.list").value()["templates"];
    ASSERT_EQ(all.size(), 4U) << "debian, dvm, fedora, other";
    EXPECT_EQ(all[0], json({{"vm", "debian"}, {"class", "template"}, {"state", "halted"}, {"children", {"own", "secret", "work"}}}));
    EXPECT_EQ(call("template.list", json::object(), reader).value()["templates"],
              json::array({{{"vm", "debian"}, {"class", "template"}, {"state", "halted"}, {"children", {"work"}}}}));
}

TEST_F(TemplateMethods, WhatIsKeptReadyIsNoChild) {
    fill("1");
    for (const auto& each : call("template.list").value()["templates"].get<std::vector<json>>())
        if (each["vm"] == "dvm") {
            EXPECT_TRUE(each["children"].empty());
        }
}

TEST_F(TemplateMethods, StatusSaysWhoRunsWhichVersion) {
    versions.base_times["p/work/root"] = "2026-01-02T03:04:05.5Z";
    const auto status = call("template.status", {{"template", "debian"}}).value();
    EXPECT_EQ(
        status["volumes"],
        json::array({{{"pool", "p"},
                      {"volume", "root"},
                      {"state", "halted"},
                      {"revisions", {{{"revision", "2026-01-02T03:04:05Z"}, {"modified", "2026-01-02T03:04:05.5Z"}, {"pinned", true}}}}}}));
    ASSERT_EQ(status["children"].size(), 2U) << "own starts from another";
    EXPECT_EQ(status["children"][0]["vm"], "secret");
    EXPECT_EQ(status["children"][0]["revision"], "label");
    EXPECT_EQ(status["children"][0]["runs"], json()) << "it is halted";
    EXPECT_EQ(status["children"][1],
              json({{"vm", "work"},
                    {"pool", "p"},
                    {"volume", "root"},
                    {"source", "root"},
                    {"revision", nullptr},
                    {"runs", {{"written", "2026-01-02T03:04:05.5Z"}, {"revision", "2026-01-02T03:04:05Z"}, {"newest", false}}},
                    {"state", "started"},
                    {"outdated", true}}));
    EXPECT_EQ(call("template.status", {{"template", "debian"}}, reader).value()["children"].size(), 1U);
    EXPECT_EQ(call("template.status", {{"template", "work"}}).error().code, base::Errc::InvalidArgument);
    EXPECT_EQ(call("template.status", {{"template", "secret"}}, reader).error().code, base::Errc::Denied);
    EXPECT_EQ(call("template.status", {{"template", "missing"}}, reader).error().code, base::Errc::Denied);
}

TEST_F(TemplateMethods, OfTwoThatAreOutdatedEachHasItsOwnVersion) {
    versions.volumes.at("p/own/root").source = "../debian/root.img";
    versions.volumes.at("p/own/root").outdated = true;
    versions.base_times["p/own/root"] = "2026-01-01T00:00:00.5Z";
    versions.base_times["p/work/root"] = "2026-01-02T03:04:05.5Z";
    const auto children = call("template.status", {{"template", "debian"}}).value()["children"];
    ASSERT_EQ(children.size(), 3U);
    EXPECT_EQ(children[0]["runs"], json({{"written", "2026-01-01T00:00:00.5Z"}, {"revision", nullptr}, {"newest", false}})) << "pruned";
    EXPECT_EQ(children[2]["runs"]["revision"], "2026-01-02T03:04:05Z");
}

// Somebody took the volume out of the template's definition; then it went, too.
TEST_F(TemplateMethods, ChildrenOfAVolumeThatTheDefinitionHasLostAreShown) {
    versions.add("p/debian/data", "", "halted", false);
    versions.volumes.at("p/debian/data").revisions = {{"2026-01-02T03:04:05Z", 1, 1, "2026-01-02T03:04:05.5Z", true}};
    versions.volumes.at("p/work/root").source = "../debian/data.img";
    versions.base_times["p/work/root"] = "2026-01-02T03:04:05.5Z";
    versions.volumes.at("p/secret/root").source = "../debian/data.img";
    versions.base_times["p/secret/root"] = "2026-01-03T00:00:00.5Z";
    auto status = call("template.status", {{"template", "debian"}}).value();
    EXPECT_EQ(status["volumes"].size(), 1U);
    ASSERT_EQ(status["children"].size(), 2U);
    EXPECT_EQ(status["children"][0]["runs"], json({{"written", "2026-01-03T00:00:00.5Z"}, {"revision", nullptr}, {"newest", true}}));
    EXPECT_EQ(status["children"][1]["source"], "data");
    EXPECT_EQ(status["children"][1]["runs"]["revision"], "2026-01-02T03:04:05Z");

    versions.volumes.erase("p/debian/data");
    status = call("template.status", {{"template", "debian"}}).value();
    ASSERT_EQ(status["children"].size(), 2U);
    EXPECT_EQ(status["children"][0]["runs"], json({{"written", "2026-01-03T00:00:00.5Z"}, {"revision", nullptr}, {"newest", false}}));
    EXPECT_EQ(status["children"][1]["runs"], json({{"written", "2026-01-02T03:04:05.5Z"}, {"revision", nullptr}, {"newest", false}}));
}

TEST_F(TemplateMethods, AreCommittedWhileTheyRunByWhoMayCommit) {
    const json params{{"template", "debian"}};
    EXPECT_EQ(call("template.commit", params, reader).error().code, base::Errc::Denied);
    EXPECT_EQ(call("template.commit", params).error().code, base::Errc::Busy);
    ASSERT_TRUE(machines->start(base::VmName::parse("debian").value(), {}));
    EXPECT_EQ(call("template.commit", params).value(),
              json({{"vm", "debian"},
                    {"frozen", true},
                    {"not_frozen", ""},
                    {"volumes", {{{"volume", "p/debian/root"}, {"committed", true}, {"revision", "2026-01-02T03:04:05Z"}}}}}));
    EXPECT_EQ(call("template.commit", {{"template", "work"}}).error().code, base::Errc::InvalidArgument) << "no template";
}

TEST_F(TemplateMethods, AreRolledBackByWhoMayCommit) {
    const json params{{"template", "debian"}, {"volume", "root"}, {"revision", "2026-01-02T03:04:05Z"}};
    EXPECT_EQ(call("template.rollback", params, reader).error().code, base::Errc::Denied);
    ASSERT_TRUE(call("template.rollback", params));
    EXPECT_EQ(versions.reverted, "p/debian/root@2026-01-02T03:04:05Z");
    versions.started = true;
    EXPECT_EQ(call("template.rollback", params).error().code, base::Errc::Busy);
    EXPECT_EQ(call("template.rollback", {{"template", "debian"}, {"volume", "data"}, {"revision", "x"}}).error().code,
              base::Errc::NotFound);
}

}  // namespace
}  // namespace varve::service::tests
