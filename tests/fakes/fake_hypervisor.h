// SPDX-License-Identifier: LGPL-2.1-or-later
// A hypervisor whose guests do what the test says.
#pragma once

#include "orchestrator/hypervisor/hypervisor.h"
#include "tests/fakes/afterwards.h"
#include "tests/fakes/faults.h"

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve::fakes {

// What runs on the host: outlives the orchestrator's processes, not a reboot. Thread-safe.
struct FakeGuests {
    struct Guest {
        hypervisor::Domain domain;
        std::string xml;
        bool executed = false;  // has run at all
        bool agent = false;     // connected
        bool frozen = false;
        bool persistent = false;
        bool saved = false;  // its memory is
        std::uint32_t snapshots = 0;
        base::Bytes memory{std::uint64_t{512} << 20};
        std::optional<base::Bytes> used_memory{};
        std::vector<std::string> releases{};  // aliases of what it lets go of when it runs
    };
    std::mutex mutex;  // over everything below
    std::map<std::string, Guest> guests;
    std::vector<std::string> ever_executed;  // names, in the order of their first resume
    bool reachable = true;
    bool obeys_shutdown = true;  // else a request has no effect
    bool updates_interfaces = true;
    base::Bytes free_memory{std::uint64_t{8} << 30};
    std::uint32_t next_number = 1;
    int next_interface = 1;
    domain_xml::DomainType type = domain_xml::DomainType::Test;
};

// One process's connection. Faults as in FakeDeviceMapper; `fail_next` fails one kind of call with an error of one's choice.
class FakeHypervisor final : public hypervisor::Hypervisor {
public:
    FakeHypervisor(FakeGuests& host, Faults& faults, std::string uri = "test:///fake")
        : host_(host), faults_(faults), uri_(std::move(uri)) {}

    // ---- for the test
    // The next call of this name ("create_paused") fails and has no effect.
    void fail_next(const std::string& call, base::Error error);
    // Runs in resume(), once the guest executes: the guest boots.
    void on_resume(std::function<void(const hypervisor::Domain&)> boots) { boots_ = std::move(boots); }
    // Runs once, when the next call of this name has its answer and before its caller gets it.
    void after_next(const std::string& call, std::function<void()> then) { afterwards_.plan(call, std::move(then)); }
    // Runs in free_memory(), once it is answered.
    void on_free_memory(std::function<void()> asked) { asked_ = std::move(asked); }
    void guest_ends(const std::string& name, hypervisor::StopReason reason);
    void agent_connects(const std::string& name);
    void guest_pauses_for_space(const std::string& name);
    void add_foreign(std::string_view name, hypervisor::DomainState state = hypervisor::DomainState::Running,
                     std::string_view xml = "<domain/>");
    void disconnect();  // calls fail from now on
    void reconnect();
    [[nodiscard]] std::vector<std::string> calls() const;

    // ---- the port
    [[nodiscard]] const std::string& uri() const override { return uri_; }
    [[nodiscard]] base::Result<domain_xml::DomainType> domain_type() override;
    [[nodiscard]] base::Result<std::vector<hypervisor::Domain>> domains() override;
    [[nodiscard]] base::Result<hypervisor::Domain> find(const definitions::Uuid& domain) override;
    [[nodiscard]] base::Result<hypervisor::Domain> find_name(const std::string& name) override;
    [[nodiscard]] base::Result<std::string> description(const definitions::Uuid& domain) override;
    [[nodiscard]] base::Result<hypervisor::DomainDefinition> definition(const std::string& domain) override;
    [[nodiscard]] base::Result<> undefine(const definitions::Uuid& domain) override;
    [[nodiscard]] base::Result<hypervisor::Domain> create_paused(const std::string& xml) override;
    [[nodiscard]] base::Result<> resume(const definitions::Uuid& domain) override;
    [[nodiscard]] base::Result<> suspend(const definitions::Uuid& domain) override;
    [[nodiscard]] base::Result<> request_shutdown(const definitions::Uuid& domain) override;
    [[nodiscard]] base::Result<> destroy(const definitions::Uuid& domain) override;
    [[nodiscard]] base::Result<> resize_disk(const definitions::Uuid& domain, const std::string& target, base::Bytes size) override;
    [[nodiscard]] base::Result<> attach_device(const definitions::Uuid& domain, const std::string& xml) override;
    [[nodiscard]] base::Result<> detach_device(const definitions::Uuid& domain, const std::string& xml) override;
    [[nodiscard]] base::Result<> update_interface(const definitions::Uuid& domain, const std::string& xml) override;
    [[nodiscard]] base::Result<> release_device(const definitions::Uuid& domain, const std::string& alias) override;
    [[nodiscard]] base::Result<base::Bytes> free_memory() override;
    [[nodiscard]] base::Result<hypervisor::DomainMemory> memory(const definitions::Uuid& domain) override;
    [[nodiscard]] base::Result<> set_memory(const definitions::Uuid& domain, base::Bytes memory) override;
    [[nodiscard]] base::Result<> ping_agent(const definitions::Uuid& domain, std::chrono::seconds deadline) override;
    [[nodiscard]] base::Result<int> freeze(const definitions::Uuid& domain, std::chrono::seconds deadline) override;
    [[nodiscard]] base::Result<int> thaw(const definitions::Uuid& domain, std::chrono::seconds deadline) override;
    [[nodiscard]] std::unique_ptr<hypervisor::Subscription> subscribe(hypervisor::EventListener listener) override;

private:
    // Under the host's lock, between the faults; tells `events` after it.
    template <class Body>
    auto call(const std::string& name, Effect effect, Body body);
    [[nodiscard]] base::Result<FakeGuests::Guest*> running(const definitions::Uuid& domain);
    [[nodiscard]] base::Result<> end(const definitions::Uuid& domain, hypervisor::StopReason reason);
    [[nodiscard]] FakeGuests::Guest* named(const std::string& name);
    void tell_noted();

    FakeGuests& host_;
    Faults& faults_;
    const std::string uri_;
    std::shared_ptr<hypervisor::Listeners> listeners_ = std::make_shared<hypervisor::Listeners>();
    std::function<void(const hypervisor::Domain&)> boots_;
    std::function<void()> asked_;
    Afterwards afterwards_;
    // Under the host's lock.
    std::vector<hypervisor::Event> noted_;
    std::multimap<std::string, base::Error> failures_;
    std::vector<std::string> calls_;
};

}  // namespace varve::fakes
