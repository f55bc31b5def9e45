// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/vm/readiness.h"

#include "drivers/base/overloaded.h"
#include "orchestrator/domain_xml/description.h"
#include "orchestrator/vm/console_watch.h"

#include <algorithm>
#include <string>

namespace varve::vm {
namespace {

using base::Errc;
using base::fail;
using base::Result;

// A guest can write as long a line as it likes.
constexpr std::size_t longest_line = std::size_t{64} << 10;

class Waiting {
public:
    Waiting(const definitions::Readiness& readiness, const Claim& claim, hypervisor::Hypervisor& hypervisor,
            const std::filesystem::path& log)
        : deadline_(std::chrono::steady_clock::now() + readiness.deadline), claim_(claim), hypervisor_(hypervisor), log_(log) {}

    Result<> for_agent() {
        const auto domain = claim_.domain();
        if (!domain) return gone();
        while (!TRY(agent_is_connected(*domain))) TRY(wait("the guest agent did not connect"));
        const auto left = std::chrono::ceil<std::chrono::seconds>(deadline_ - std::chrono::steady_clock::now());
        return hypervisor_.ping_agent(*domain, std::max(left, std::chrono::seconds(1)));
    }

    Result<> for_line(const std::string& line) {
        auto watch = TRY(ConsoleWatch::make(log_));
        std::string text;
        while (true) {
            const auto more = TRY(watch.more());
            text += more;
            if (has_line(text, line)) return {};
            // The last line may be half written.
            text.erase(0, text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
            if (text.size() > longest_line) text.erase(0, text.size() - longest_line);
            if (more.empty()) TRY(wait("the guest did not write '" + line + "' to its serial console", watch.descriptor()));
        }
    }

    // A watch wakes it at once; only whether the domain is still there is looked at from time to time.
    Result<> for_key(XenKeys& keys) {
        const auto uuid = claim_.domain();
        if (!uuid) return gone();
        const auto domain = hypervisor_.find(*uuid);
        if (!domain && domain.error().code == Errc::NotFound) return gone();
        if (!domain) return base::Failure(domain.error());
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
        auto told = keys.wait_until_ready(*domain, left, [this] { return claim_.domain_gone(); });
        if (told) return {};
        if (told.error().code == Errc::Interrupted) return gone();
        if (told.error().code == Errc::TimedOut)
            return fail(Errc::TimedOut, "the guest did not say in xenstore that it is ready within its deadline");
        return told;
    }

private:
    // It may have connected while nobody listened: before the start did, or while the hypervisor did not answer.
    [[nodiscard]] Result<bool> agent_is_connected(const definitions::Uuid& domain) const {
        if (claim_.agent_connected()) return true;
        const auto xml = hypervisor_.description(domain);
        if (!xml && xml.error().code == Errc::NotFound) return gone();
        if (!xml) return false;  // there is a wake-up when it answers again
        const auto description = domain_xml::read_description(*xml);
        return description && description->agent_connected;
    }

    static base::Failure gone() { return fail(Errc::Io, "the domain has gone: the guest shut down or crashed before it was ready"); }

    // TimedOut once the deadline has passed.
    Result<> wait(const std::string& what, int descriptor = -1) {
        if (claim_.domain_gone()) return gone();
        if (std::chrono::steady_clock::now() >= deadline_) return fail(Errc::TimedOut, what + " within its deadline");
        TRY(claim_.wait(deadline_, descriptor));
        if (claim_.domain_gone()) return gone();
        return {};
    }

    const Deadline deadline_;
    const Claim& claim_;
    hypervisor::Hypervisor& hypervisor_;
    const std::filesystem::path& log_;
};

}  // namespace

bool has_line(std::string_view text, std::string_view line) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto one = text.substr(0, end);
        while (one.ends_with('\r')) one.remove_suffix(1);
        while (one.starts_with('\r')) one.remove_prefix(1);
        if (one == line) return true;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

Result<> wait_until_ready(const definitions::Readiness& readiness, const Claim& claim, hypervisor::Hypervisor& hypervisor,
                          const std::filesystem::path& console_log, XenKeys& xen_keys) {
    Waiting waiting(readiness, claim, hypervisor, console_log);
    return std::visit(
        base::Overloaded{[](definitions::NoReadiness) { return Result<>(); }, [&](definitions::AgentReady) { return waiting.for_agent(); },
                         [&](const definitions::SerialLineReady& serial) { return waiting.for_line(serial.line.str()); },
                         [&](definitions::XenstoreReady) { return waiting.for_key(xen_keys); }},
        readiness.signal);
}

}  // namespace varve::vm
