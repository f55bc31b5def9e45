// SPDX-License-Identifier: LGPL-2.1-or-later
// What every Hypervisor promises: libvirt's, over its test driver, and the fake.
#include "orchestrator/definitions/identifiers.h"
#include "orchestrator/hypervisor/libvirt_hypervisor.h"
#include "tests/fakes/fake_hypervisor.h"
#include "tests/unit/hypervisor/event_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>

namespace varve::hypervisor {
namespace {

using base::Errc;
using definitions::Uuid;

class World {
public:
    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    virtual ~World() = default;
    [[nodiscard]] virtual Hypervisor& hypervisor() = 0;
    // A persistent domain that is shut off: its name.
    [[nodiscard]] virtual std::string defined() = 0;
};

class FakeWorld final : public World {
public:
    Hypervisor& hypervisor() override { return hypervisor_; }
    std::string defined() override {
        hypervisor_.add_foreign("theirs", DomainState::Defined, "<domain><name>theirs</name></domain>");
        return "theirs";
    }

private:
    fakes::FakeGuests guests_;
    fakes::Faults faults_;
    fakes::FakeHypervisor hypervisor_{guests_, faults_};
};

// libvirt has one loop per process: it lasts as long.
const EventLoop& event_loop() {
    static const auto loop = EventLoop::start().value();
    return *loop;
}

class LibvirtWorld final : public World {
public:
    Hypervisor& hypervisor() override { return *hypervisor_; }
    std::string defined() override {
        const auto file = std::filesystem::path(::testing::TempDir()) / "varve-hypervisor-node.xml";
        std::ofstream(file) << "<node><domain type='test'><name>theirs</name><memory>1024</memory><os><type>hvm</type></os>"
                               "<test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>5</test:runstate></domain></node>";
        hypervisor_ = make_libvirt_hypervisor("test://" + file.string(), event_loop());
        std::filesystem::remove(file);
        return "theirs";
    }

private:
    std::unique_ptr<Hypervisor> hypervisor_ = make_libvirt_hypervisor("test:///default", event_loop());
};

struct Maker {
    const char* name;
    std::function<std::unique_ptr<World>()> make;
};
void PrintTo(const Maker& maker, std::ostream* out) { *out << maker.name; }

std::string fresh_name() {
    static std::atomic<int> number = 0;
    return "vm" + std::to_string(++number);
}

std::string xml_of(const std::string& name, const std::string& uuid = "", const std::string& mark = "") {
    return "<domain type='test'><name>" + name + "</name>" + (uuid.empty() ? "" : "<uuid>" + uuid + "</uuid>") +
           (mark.empty() ? "" : "<metadata><varve:vm xmlns:varve='https://varve-project.org/domain/1' name='" + mark + "'/></metadata>") +
           "<memory unit='MiB'>16</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>"
           "<disk type='file'><driver type='raw'/><source file='/srv/a.img'/><target dev='vda' bus='virtio'/></disk></devices></domain>";
}

const char* const unknown = "99999999-8888-4777-8666-555555555555";

class HypervisorContract : public ::testing::TestWithParam<Maker> {
protected:
    void SetUp() override {
        world_ = GetParam().make();
        subscription_ = hypervisor().subscribe(log_.listener());
    }
    void TearDown() override {
        for (const auto& domain : made_) (void)hypervisor().destroy(domain);  // most are gone
    }
    [[nodiscard]] Hypervisor& hypervisor() const { return world_->hypervisor(); }

    Domain create(const std::string& name, const std::string& mark = "") {
        auto made = hypervisor().create_paused(xml_of(name, "", mark));
        EXPECT_TRUE(made) << made.error().message();
        made_.push_back(made->uuid);
        return *made;
    }
    [[nodiscard]] DomainState state(const Uuid& domain) const {
        const auto found = hypervisor().find(domain);
        EXPECT_TRUE(found) << found.error().message();
        return found ? found->state : DomainState::Stopping;
    }

    std::unique_ptr<World> world_;
    EventLog log_;
    std::unique_ptr<Subscription> subscription_;
    std::vector<Uuid> made_;
};

TEST_P(HypervisorContract, CreatesPaused) {
    const auto name = fresh_name();
    const auto made = create(name, "work");
    EXPECT_EQ(made.name, name);
    EXPECT_EQ(made.state, DomainState::Paused);
    EXPECT_EQ(state(made.uuid), DomainState::Paused);
    EXPECT_TRUE(log_.wait_for<DomainStarted>([&](const auto& event) { return event.domain == made.uuid && event.name == name; }));
}

TEST_P(HypervisorContract, KnowsItsOwn) {
    const auto ours = create(fresh_name(), "work");
    const auto theirs = create(fresh_name());
    const auto hostile = create(fresh_name(), "../work");
    EXPECT_EQ(ours.vm, base::VmName::parse("work").value());
    const auto all = hypervisor().domains();
    ASSERT_TRUE(all) << all.error().message();
    const auto listed = [&](const Uuid& uuid) { return std::ranges::find(*all, uuid, &Domain::uuid); };
    ASSERT_NE(listed(ours.uuid), all->end());
    ASSERT_NE(listed(theirs.uuid), all->end());
    ASSERT_NE(listed(hostile.uuid), all->end());
    EXPECT_EQ(listed(ours.uuid)->vm, ours.vm);
    EXPECT_FALSE(listed(theirs.uuid)->vm);
    EXPECT_FALSE(listed(hostile.uuid)->vm);
}

TEST_P(HypervisorContract, FindsByName) {
    const auto name = fresh_name();
    EXPECT_EQ(hypervisor().find_name(name).error().code, Errc::NotFound);
    const auto made = create(name);
    const auto found = hypervisor().find_name(name);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->uuid, made.uuid);
}

TEST_P(HypervisorContract, RefusesATakenName) {
    const auto name = fresh_name();
    (void)create(name);
    const auto again = hypervisor().create_paused(xml_of(name));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::Exists) << again.error().message();
    EXPECT_NE(again.error().message().find(name), std::string::npos) << again.error().message();
}

TEST_P(HypervisorContract, RefusesATakenUuid) {
    const auto made = create(fresh_name());
    const auto again = hypervisor().create_paused(xml_of(fresh_name(), made.uuid.str()));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::Exists) << again.error().message();
}

TEST_P(HypervisorContract, RefusesNonsense) {
    for (const auto* text : {"", "<domain", "<domain type='test'/>"}) {
        const auto made = hypervisor().create_paused(text);
        ASSERT_FALSE(made) << text;
        EXPECT_EQ(made.error().code, Errc::InvalidArgument) << made.error().message();
    }
}

TEST_P(HypervisorContract, ResumesAndSuspends) {
    const auto made = create(fresh_name());
    ASSERT_TRUE(hypervisor().resume(made.uuid));
    EXPECT_EQ(state(made.uuid), DomainState::Running);
    EXPECT_TRUE(log_.wait_for<DomainResumed>([&](const auto& event) { return event.domain == made.uuid; }));
    ASSERT_TRUE(hypervisor().suspend(made.uuid));
    EXPECT_EQ(state(made.uuid), DomainState::Paused);
    EXPECT_TRUE(log_.wait_for<DomainPaused>([&](const auto& event) { return event.domain == made.uuid; }));
}

TEST_P(HypervisorContract, DestroysAndLeavesNothing) {
    const auto made = create(fresh_name());
    ASSERT_TRUE(hypervisor().destroy(made.uuid));
    EXPECT_TRUE(log_.wait_for<DomainStopped>(
        [&](const auto& event) { return event.domain == made.uuid && event.reason == StopReason::Destroyed; }));
    EXPECT_EQ(hypervisor().find(made.uuid).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().find_name(made.name).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().destroy(made.uuid).error().code, Errc::NotFound);
}

TEST_P(HypervisorContract, TellsWhenTheGuestHasShutDown) {
    const auto made = create(fresh_name());
    ASSERT_TRUE(hypervisor().resume(made.uuid));
    ASSERT_TRUE(hypervisor().request_shutdown(made.uuid));
    EXPECT_TRUE(log_.wait_for<DomainStopped>(
        [&](const auto& event) { return event.domain == made.uuid && event.name == made.name && event.reason == StopReason::Shutdown; }));
    EXPECT_EQ(hypervisor().find(made.uuid).error().code, Errc::NotFound);
}

TEST_P(HypervisorContract, DescribesADomain) {
    const auto made = create(fresh_name());
    const auto xml = hypervisor().description(made.uuid);
    ASSERT_TRUE(xml) << xml.error().message();
    EXPECT_NE(xml->find("/srv/a.img"), std::string::npos);
}

TEST_P(HypervisorContract, KnowsWhatSomebodyElseDefined) {
    subscription_.reset();  // of the hypervisor that goes
    const auto name = world_->defined();
    const auto found = hypervisor().definition(name);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->domain.name, name);
    EXPECT_EQ(found->domain.state, DomainState::Defined);
    EXPECT_FALSE(found->domain.vm);
    EXPECT_FALSE(found->saved);
    EXPECT_EQ(found->snapshots, 0U);
    EXPECT_NE(found->xml.find("<name>theirs</name>"), std::string::npos) << found->xml;
    EXPECT_EQ(hypervisor().definition(found->domain.uuid.str()).value().domain.name, name);
    EXPECT_EQ(hypervisor().definition("nobody").error().code, Errc::NotFound);
    ASSERT_TRUE(hypervisor().undefine(found->domain.uuid));
    EXPECT_EQ(hypervisor().definition(name).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().undefine(found->domain.uuid).error().code, Errc::NotFound);
}

TEST_P(HypervisorContract, UndefinesNothingThatRuns) {
    const auto made = create(fresh_name());
    EXPECT_EQ(hypervisor().definition(made.name).error().code, Errc::NotFound) << "it is nowhere defined, though it runs";
    EXPECT_FALSE(hypervisor().undefine(made.uuid));
    EXPECT_TRUE(hypervisor().find(made.uuid));
}

TEST_P(HypervisorContract, ChangesAnInterfaceWholeOrSaysThatItCannot) {
    const auto name = fresh_name();
    const std::string mac = "<mac address='52:54:00:aa:bb:01'/>";
    auto xml = xml_of(name);
    xml.insert(xml.rfind("</devices>"), "<interface type='bridge'><source bridge='br1'/>" + mac + "</interface>");
    const auto made = hypervisor().create_paused(xml);
    ASSERT_TRUE(made) << made.error().message();
    made_.push_back(made->uuid);
    const auto updated =
        hypervisor().update_interface(made->uuid, "<interface type='bridge'><source bridge='br2'/>" + mac + "</interface>");
    const auto after = hypervisor().description(made->uuid).value();
    if (!updated) {  // libvirt's test driver (9.0) cannot
        EXPECT_EQ(updated.error().code, Errc::Unsupported) << updated.error().message();
    }
    EXPECT_EQ(after.find("br2") != std::string::npos, updated.has_value()) << after;
    EXPECT_EQ(after.find("br1") != std::string::npos, !updated.has_value()) << after;
    EXPECT_NE(after.find("52:54:00:aa:bb:01"), std::string::npos);
}

TEST_P(HypervisorContract, SaysThatADomainIsNotThere) {
    const auto nobody = Uuid::parse(unknown).value();
    EXPECT_EQ(hypervisor().find(nobody).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().description(nobody).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().resume(nobody).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().suspend(nobody).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().request_shutdown(nobody).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().resize_disk(nobody, "vda", {512}).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().attach_device(nobody, "<disk/>").error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().update_interface(nobody, "<interface/>").error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().release_device(nobody, "net0").error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().ping_agent(nobody, std::chrono::seconds(1)).error().code, Errc::NotFound);
    EXPECT_EQ(hypervisor().freeze(nobody, std::chrono::seconds(1)).error().code, Errc::NotFound);
}

TEST_P(HypervisorContract, HasMemoryAndAType) {
    const auto memory = hypervisor().free_memory();
    ASSERT_TRUE(memory) << memory.error().message();
    EXPECT_GT(memory->count, 0U);
    const auto type = hypervisor().domain_type();
    ASSERT_TRUE(type) << type.error().message();
    EXPECT_EQ(*type, domain_xml::DomainType::Test);
}

TEST_P(HypervisorContract, TellsNobodyWhoHasLeft) {
    EventLog other;
    auto leaving = hypervisor().subscribe(other.listener());
    leaving.reset();
    const auto made = create(fresh_name());
    ASSERT_TRUE(log_.wait_for<DomainStarted>([&](const auto& event) { return event.domain == made.uuid; }));
    EXPECT_EQ(other.size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(All, HypervisorContract,
                         ::testing::Values(Maker{"fake", [] { return std::make_unique<FakeWorld>(); }},
                                           Maker{"libvirt", [] { return std::make_unique<LibvirtWorld>(); }}),
                         [](const auto& info) { return info.param.name; });

// ---- libvirt's own

// The test driver can wake nobody, but refuses that otherwise than to resume what is not paused.
TEST(LibvirtHypervisor, WakesAGuestThatSleeps) {
    const auto file = std::filesystem::path(::testing::TempDir()) / "varve-hypervisor-asleep.xml";
    std::ofstream(file) << "<node><domain type='test'><name>asleep</name><memory>1024</memory><os><type>hvm</type></os>"
                           "<test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>7</test:runstate></domain></node>";
    const auto hypervisor = make_libvirt_hypervisor("test://" + file.string(), event_loop());
    const auto asleep = hypervisor->find_name("asleep");
    std::filesystem::remove(file);
    ASSERT_TRUE(asleep) << asleep.error().message();
    EXPECT_EQ(asleep->state, DomainState::Paused);
    const auto woken = hypervisor->resume(asleep->uuid);
    ASSERT_FALSE(woken);
    EXPECT_NE(woken.error().message().find("virDomainPMWakeup"), std::string::npos) << woken.error().message();
}

TEST(Libvirt, SaysWhyItDoesNotAnswer) {
    const auto hypervisor = make_libvirt_hypervisor("qemu+unix:///system?socket=/nonexistent/libvirt-sock", event_loop());
    const auto found = hypervisor->domains();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::Io);
    EXPECT_NE(found.error().message().find("/nonexistent/libvirt-sock"), std::string::npos) << found.error().message();
    EXPECT_NE(found.error().message().find("does not answer"), std::string::npos) << found.error().message();
}

TEST(Libvirt, EndsWhileItTriesToConnect) {
    auto hypervisor = make_libvirt_hypervisor("qemu+unix:///system?socket=/nonexistent/libvirt-sock", event_loop(),
                                              {.first_retry = std::chrono::hours(1), .longest_retry = std::chrono::hours(1)});
    hypervisor.reset();  // at once, or the test's deadline ends it
}

TEST(Libvirt, PrintsNothing) {
    const auto hypervisor = make_libvirt_hypervisor("test:///default", event_loop());
    ::testing::internal::CaptureStderr();
    EXPECT_FALSE(hypervisor->create_paused("<domain"));
    EXPECT_FALSE(hypervisor->find(Uuid::parse(unknown).value()));
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(Libvirt, SaysWhyACallOfADomainFailed) {
    const auto hypervisor = make_libvirt_hypervisor("test:///default", event_loop());
    const auto made = hypervisor->create_paused(xml_of(fresh_name()));
    ASSERT_TRUE(made) << made.error().message();
    const auto frozen = hypervisor->freeze(made->uuid, std::chrono::seconds(1));  // its guests have no agents
    ASSERT_FALSE(frozen);
    EXPECT_EQ(frozen.error().code, Errc::Unsupported) << frozen.error().message();
    EXPECT_EQ(frozen.error().message().find("gives no reason"), std::string::npos) << frozen.error().message();
    EXPECT_NE(frozen.error().message().find(made->name), std::string::npos) << frozen.error().message();
    ASSERT_TRUE(hypervisor->destroy(made->uuid));
}

TEST(Libvirt, RefusesWhatItDoesNotKnow) {
    const auto hypervisor = make_libvirt_hypervisor("nothing:///like-this", event_loop());
    EXPECT_EQ(hypervisor->domains().error().code, Errc::Io);
}

}  // namespace
}  // namespace varve::hypervisor
