// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_hypervisor.h"

#include "orchestrator/domain_xml/mark.h"
#include "tests/fakes/fake_devices.h"

#include <pugixml.hpp>

#include <sstream>
#include <utility>

namespace varve::fakes {

using base::Bytes;
using base::Errc;
using base::fail;
using base::Failure;
using base::Result;
using definitions::Uuid;
using domain_xml::DomainType;
using hypervisor::Domain;
using hypervisor::DomainState;
using hypervisor::StopReason;
using Guest = FakeGuests::Guest;

namespace {

std::string text_of(const pugi::xml_node& node) {
    std::ostringstream text;
    node.print(text, "", pugi::format_raw);
    return std::move(text).str();
}

Result<Guest> guest_from(const std::string& xml, int& next_interface) {
    pugi::xml_document document;
    if (!document.load_string(xml.c_str())) return fail(Errc::InvalidArgument, "cannot create the domain: it is not XML");
    const auto domain = document.child("domain");
    const std::string name = domain.child_value("name");
    if (name.empty()) return fail(Errc::InvalidArgument, "cannot create the domain: it has no name");
    const std::string given = domain.child_value("uuid");
    auto uuid = given.empty() ? TRY(definitions::random_uuid()) : TRY(Uuid::parse(given));
    const auto mark = domain_xml::marked_vm(text_of(domain.child("metadata").first_child()));
    return Guest{{std::move(uuid), name, DomainState::Paused, mark}, with_complete_interfaces(xml, next_interface)};
}

// The description of a guest whose agent has connected.
std::string with_agent(const std::string& xml) {
    pugi::xml_document document;
    if (!document.load_string(xml.c_str())) return xml;
    auto target = document.child("domain").child("devices").append_child("channel").append_child("target");
    target.append_attribute("name") = "org.qemu.guest_agent.0";
    target.append_attribute("state") = "connected";
    return text_of(document);
}

}  // namespace

template <class Body>
auto FakeHypervisor::call(const std::string& name, Effect effect, Body body) {
    auto outcome = [&]() -> decltype(body()) {
        const std::scoped_lock lock(host_.mutex);
        calls_.push_back(name);
        TRY(faults_.enter(effect));
        if (!host_.reachable) return fail(Errc::Io, "the hypervisor 'test:///fake' does not answer: it is gone");
        if (const auto planned = failures_.find(name); planned != failures_.end()) {
            auto error = std::move(planned->second);
            failures_.erase(planned);
            return Failure(std::move(error));
        }
        auto done = body();
        if (!done) return Failure(std::move(done).error());
        TRY(faults_.leave());
        return done;
    }();
    tell_noted();
    afterwards_.called(name);
    return outcome;
}

void FakeHypervisor::tell_noted() {
    std::vector<hypervisor::Event> events;
    {
        const std::scoped_lock lock(host_.mutex);
        events = std::exchange(noted_, {});
    }
    if (faults_.dead()) return;
    for (const auto& event : events) listeners_->tell(event);
}

Guest* FakeHypervisor::named(const std::string& name) {
    for (auto& [uuid, guest] : host_.guests)
        if (guest.domain.name == name) return &guest;
    return nullptr;
}

Result<Guest*> FakeHypervisor::running(const Uuid& domain) {
    const auto found = host_.guests.find(domain.str());
    if (found == host_.guests.end()) return fail(Errc::NotFound, "cannot find the domain " + domain.str());
    return &found->second;
}

Result<> FakeHypervisor::end(const Uuid& domain, StopReason reason) {
    const auto* const guest = TRY(running(domain));
    noted_.emplace_back(hypervisor::DomainStopped{domain, guest->domain.name, reason});
    host_.guests.erase(domain.str());
    return {};
}

// ---- for the test

void FakeHypervisor::fail_next(const std::string& call, base::Error error) {
    const std::scoped_lock lock(host_.mutex);
    failures_.emplace(call, std::move(error));
}

void FakeHypervisor::guest_ends(const std::string& name, StopReason reason) {
    {
        const std::scoped_lock lock(host_.mutex);
        if (const auto* const guest = named(name); guest != nullptr) {
            const auto uuid = guest->domain.uuid;
            (void)end(uuid, reason);  // it is there
        }
    }
    tell_noted();
}

void FakeHypervisor::agent_connects(const std::string& name) {
    {
        const std::scoped_lock lock(host_.mutex);
        if (auto* const guest = named(name); guest != nullptr) {
            guest->agent = true;
            noted_.emplace_back(hypervisor::AgentChanged{guest->domain.uuid, true});
        }
    }
    tell_noted();
}

void FakeHypervisor::guest_pauses_for_space(const std::string& name) {
    {
        const std::scoped_lock lock(host_.mutex);
        if (auto* const guest = named(name); guest != nullptr) {
            guest->domain.state = DomainState::Paused;
            noted_.emplace_back(hypervisor::DiskError{guest->domain.uuid, "/srv/x.img", "virtio-disk0", true});
            noted_.emplace_back(hypervisor::DomainPaused{guest->domain.uuid, true});
        }
    }
    tell_noted();
}

void FakeHypervisor::add_foreign(std::string_view name, DomainState state, std::string_view xml) {
    const std::scoped_lock lock(host_.mutex);
    auto uuid = definitions::random_uuid().value();
    const auto key = uuid.str();
    Guest guest{{std::move(uuid), std::string(name), state, {}}, std::string(xml)};
    guest.persistent = true;
    host_.guests.emplace(key, std::move(guest));
}

void FakeHypervisor::disconnect() {
    {
        const std::scoped_lock lock(host_.mutex);
        host_.reachable = false;
        noted_.emplace_back(hypervisor::Disconnected{"it is gone"});
    }
    tell_noted();
}

void FakeHypervisor::reconnect() {
    {
        const std::scoped_lock lock(host_.mutex);
        host_.reachable = true;
        noted_.emplace_back(hypervisor::Resynchronise{});
    }
    tell_noted();
}

std::vector<std::string> FakeHypervisor::calls() const {
    const std::scoped_lock lock(host_.mutex);
    return calls_;
}

// ---- the port

Result<DomainType> FakeHypervisor::domain_type() {
    return call("domain_type", Effect::Reads, [&]() -> Result<DomainType> { return host_.type; });
}

Result<std::vector<Domain>> FakeHypervisor::domains() {
    return call("domains", Effect::Reads, [&]() -> Result<std::vector<Domain>> {
        std::vector<Domain> found;
        for (const auto& [uuid, guest] : host_.guests)
            if (guest.domain.state != DomainState::Defined) found.push_back(guest.domain);
        return found;
    });
}

Result<Domain> FakeHypervisor::find(const Uuid& domain) {
    return call("find", Effect::Reads, [&]() -> Result<Domain> { return TRY(running(domain))->domain; });
}

Result<Domain> FakeHypervisor::find_name(const std::string& name) {
    return call("find_name", Effect::Reads, [&]() -> Result<Domain> {
        if (const auto* const guest = named(name); guest != nullptr) return guest->domain;
        return fail(Errc::NotFound, "cannot find the domain " + name);
    });
}

Result<std::string> FakeHypervisor::description(const Uuid& domain) {
    return call("description", Effect::Reads, [&]() -> Result<std::string> {
        const auto* const guest = TRY(running(domain));
        return guest->agent ? with_agent(guest->xml) : guest->xml;
    });
}

Result<hypervisor::DomainDefinition> FakeHypervisor::definition(const std::string& domain) {
    return call("definition", Effect::Reads, [&]() -> Result<hypervisor::DomainDefinition> {
        const auto of_uuid = host_.guests.find(domain);
        const auto* const guest = of_uuid == host_.guests.end() ? named(domain) : &of_uuid->second;
        if (guest == nullptr || !guest->persistent) return fail(Errc::NotFound, "cannot find the domain " + domain);
        return hypervisor::DomainDefinition{guest->domain, guest->xml, guest->saved, guest->snapshots};
    });
}

Result<> FakeHypervisor::undefine(const Uuid& domain) {
    return call("undefine", Effect::Changes, [&]() -> Result<> {
        const auto* const guest = TRY(running(domain));
        if (guest->domain.state != DomainState::Defined || guest->saved || guest->snapshots > 0)
            return fail(Errc::Busy, "the domain " + guest->domain.name + " runs, or has what would be lost");
        host_.guests.erase(domain.str());
        return {};
    });
}

Result<Domain> FakeHypervisor::create_paused(const std::string& xml) {
    return call("create_paused", Effect::Changes, [&]() -> Result<Domain> {
        auto guest = TRY(guest_from(xml, host_.next_interface));
        if (named(guest.domain.name) != nullptr || host_.guests.contains(guest.domain.uuid.str()))
            return fail(Errc::Exists, "cannot create the domain: the name or UUID of " + guest.domain.name + " is taken already");
        guest.domain.number = host_.next_number++;
        const auto domain = guest.domain;
        host_.guests.emplace(domain.uuid.str(), std::move(guest));
        noted_.emplace_back(hypervisor::DomainStarted{domain.uuid, domain.name});
        return domain;
    });
}

Result<> FakeHypervisor::resume(const Uuid& domain) {
    std::optional<Domain> booted;
    const auto outcome = call("resume", Effect::Changes, [&]() -> Result<> {
        auto* const guest = TRY(running(domain));
        guest->domain.state = DomainState::Running;
        for (const auto& alias : std::exchange(guest->releases, {})) guest->xml = released(guest->xml, alias);
        if (!std::exchange(guest->executed, true)) {
            host_.ever_executed.push_back(guest->domain.name);
            booted = guest->domain;
        }
        noted_.emplace_back(hypervisor::DomainResumed{domain});
        return {};
    });
    if (booted && boots_ && !faults_.dead()) boots_(*booted);
    return outcome;
}

Result<> FakeHypervisor::suspend(const Uuid& domain) {
    return call("suspend", Effect::Changes, [&]() -> Result<> {
        TRY(running(domain))->domain.state = DomainState::Paused;
        noted_.emplace_back(hypervisor::DomainPaused{domain, false});
        return {};
    });
}

Result<> FakeHypervisor::request_shutdown(const Uuid& domain) {
    return call("request_shutdown", Effect::Changes, [&]() -> Result<> {
        (void)TRY(running(domain));
        if (!host_.obeys_shutdown) return {};
        return end(domain, StopReason::Shutdown);
    });
}

Result<> FakeHypervisor::destroy(const Uuid& domain) {
    return call("destroy", Effect::Changes, [&] { return end(domain, StopReason::Destroyed); });
}

Result<> FakeHypervisor::resize_disk(const Uuid& domain, const std::string& target, Bytes size) {
    return call("resize_disk " + target + " " + std::to_string(size.count), Effect::Changes, [&]() -> Result<> {
        (void)TRY(running(domain));
        return {};
    });
}

Result<> FakeHypervisor::attach_device(const Uuid& domain, const std::string& xml) {
    return call("attach_device", Effect::Changes, [&]() -> Result<> {
        auto& guest = *TRY(running(domain));
        guest.xml = with_complete_interfaces(TRY(attached(guest.xml, xml)), host_.next_interface);
        return {};
    });
}

Result<> FakeHypervisor::detach_device(const Uuid& domain, const std::string& xml) {
    return call("detach_device", Effect::Changes, [&]() -> Result<> {
        auto& guest = *TRY(running(domain));
        guest.xml = TRY(detached(guest.xml, xml));
        return {};
    });
}

Result<> FakeHypervisor::update_interface(const Uuid& domain, const std::string& xml) {
    return call("update_interface", Effect::Changes, [&]() -> Result<> {
        auto& guest = *TRY(running(domain));
        if (!host_.updates_interfaces) return fail(Errc::Unsupported, "this hypervisor cannot change an interface");
        guest.xml = TRY(updated(guest.xml, xml));
        return {};
    });
}

Result<> FakeHypervisor::release_device(const Uuid& domain, const std::string& alias) {
    return call("release_device", Effect::Changes, [&]() -> Result<> {
        auto& guest = *TRY(running(domain));
        if (guest.domain.state == DomainState::Running)
            guest.xml = released(guest.xml, alias);
        else
            guest.releases.push_back(alias);
        return {};
    });
}

Result<Bytes> FakeHypervisor::free_memory() {
    auto answer = call("free_memory", Effect::Reads, [&]() -> Result<Bytes> { return host_.free_memory; });
    if (asked_) asked_();
    return answer;
}

Result<hypervisor::DomainMemory> FakeHypervisor::memory(const Uuid& domain) {
    return call("memory", Effect::Reads, [&]() -> Result<hypervisor::DomainMemory> {
        const auto* const guest = TRY(running(domain));
        return hypervisor::DomainMemory{guest->memory, guest->used_memory};
    });
}

Result<> FakeHypervisor::set_memory(const Uuid& domain, Bytes memory) {
    return call("set_memory", Effect::Changes, [&]() -> Result<> {
        TRY(running(domain))->memory = memory;
        return {};
    });
}

Result<> FakeHypervisor::ping_agent(const Uuid& domain, std::chrono::seconds /*deadline*/) {
    return call("ping_agent", Effect::Reads, [&]() -> Result<> {
        if (!TRY(running(domain))->agent) return fail(Errc::TimedOut, "cannot reach the agent of the domain");
        return {};
    });
}

Result<int> FakeHypervisor::freeze(const Uuid& domain, std::chrono::seconds /*deadline*/) {
    return call("freeze", Effect::Changes, [&]() -> Result<int> {
        auto* guest = TRY(running(domain));
        if (!guest->agent) return fail(Errc::TimedOut, "cannot reach the agent of the domain");
        guest->frozen = true;
        return 1;
    });
}

Result<int> FakeHypervisor::thaw(const Uuid& domain, std::chrono::seconds /*deadline*/) {
    return call("thaw", Effect::Changes, [&]() -> Result<int> { return std::exchange(TRY(running(domain))->frozen, false) ? 1 : 0; });
}

std::unique_ptr<hypervisor::Subscription> FakeHypervisor::subscribe(hypervisor::EventListener listener) {
    return hypervisor::Listeners::add(listeners_, std::move(listener));
}

}  // namespace varve::fakes
