// SPDX-License-Identifier: LGPL-2.1-or-later
// Domains that are not VMs'.
#include "orchestrator/service/methods.h"
#include "tests/fakes/fake_hypervisor.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>

namespace varve::service::tests {
namespace {

using base::Errc;
using hypervisor::DomainState;
using nlohmann::json;

class DomainMethods : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "varve-service-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        store_ = definitions::DefinitionStore::open(directory_).value();
        access_ = std::make_unique<Access>(rights_, *store_, [](const base::VmName&) { return false; });
        add_domain_methods(
            methods_,
            [&](const std::optional<definitions::HypervisorUri>& uri) {
                asked_uri_ = uri ? uri->str() : "";
                return std::shared_ptr<hypervisor::Hypervisor>(std::shared_ptr<void>(), &hypervisor_);
            },
            *access_);
        hypervisor_.add_foreign("theirs", DomainState::Defined, "<domain>theirs</domain>");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    base::Result<json> call(const std::string& method, const json& params, uid_t uid = 0) {
        return methods_.find(method)->handler(params, {{uid, {}, 1}, [](std::string_view, const json&) {}});
    }

    std::filesystem::path directory_;
    std::unique_ptr<definitions::DefinitionStore> store_;
    const orchestrator::Rights rights_{{}, 0};
    std::unique_ptr<Access> access_;
    fakes::FakeGuests guests_;
    fakes::Faults faults_;
    fakes::FakeHypervisor hypervisor_{guests_, faults_};
    rpc::MethodTable methods_;
    std::string asked_uri_;
};

TEST_F(DomainMethods, InfoHasTheDescription) {
    auto info = call("domain.info", {{"domain", "theirs"}, {"hypervisor", "test:///other"}}).value();
    EXPECT_EQ(asked_uri_, "test:///other");
    EXPECT_EQ(call("domain.info", {{"domain", info["uuid"]}}).value(), info);
    EXPECT_EQ(asked_uri_, "");
    info.erase("uuid");
    EXPECT_EQ(info, json({{"name", "theirs"},
                          {"hypervisor", "test:///fake"},
                          {"state", "defined"},
                          {"vm", nullptr},
                          {"saved", false},
                          {"snapshots", 0},
                          {"xml", "<domain>theirs</domain>"}}));
    EXPECT_EQ(call("domain.info", {{"domain", "nobody"}}).error().code, Errc::NotFound);
    hypervisor_.add_foreign("huge", DomainState::Defined, std::string((1 << 20) + 1, ' '));
    EXPECT_EQ(call("domain.info", {{"domain", "huge"}}).error().code, Errc::TooLarge);
}

TEST_F(DomainMethods, UndefineTakesOnlyWhatIsShutOffAndWhole) {
    const auto uuid = call("domain.info", {{"domain", "theirs"}}).value()["uuid"];
    guests_.guests.at(uuid).saved = true;
    EXPECT_EQ(call("domain.undefine", {{"domain", uuid}}).error().code, Errc::Busy);
    guests_.guests.at(uuid).saved = false;
    EXPECT_EQ(call("domain.undefine", {{"domain", "theirs"}}).error().code, Errc::InvalidName) << "only by its UUID";
    ASSERT_TRUE(call("domain.undefine", {{"domain", uuid}}));
    EXPECT_EQ(call("domain.info", {{"domain", "theirs"}}).error().code, Errc::NotFound);
}

TEST_F(DomainMethods, AreForAdministrators) {
    constexpr uid_t alice = 1000;
    for (const auto* domain : {"theirs", "nobody"}) {
        const auto refused = call("domain.info", {{"domain", domain}}, alice);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::Denied);
        EXPECT_EQ(refused.error().message(), "only an administrator may look at domains that are not VMs'");
    }
    EXPECT_EQ(call("domain.undefine", {{"domain", "x"}}, alice).error().code, Errc::Denied);
    EXPECT_TRUE(hypervisor_.calls().empty());
}

}  // namespace
}  // namespace varve::service::tests
