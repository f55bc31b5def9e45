// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/hypervisor/connection.h"

#include "orchestrator/hypervisor/libvirt_errors.h"
#include "orchestrator/hypervisor/libvirt_events.h"

#include <libvirt/virterror.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace varve::hypervisor {

using base::Result;

// Where the close callback leaves its word for the thread that connects.
struct Connection::Loss {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::optional<std::string> why;
};

namespace {

std::string_view reason_text(int reason) {
    switch (reason) {
        case VIR_CONNECT_CLOSE_REASON_EOF: return "it closed the connection";
        case VIR_CONNECT_CLOSE_REASON_KEEPALIVE: return "it did not answer in time";
        case VIR_CONNECT_CLOSE_REASON_CLIENT: return "the connection was closed";
        default: return "the connection broke";
    }
}

bool unsupported() {
    const auto code = ::virGetLastErrorCode();
    return code == VIR_ERR_NO_SUPPORT || code == VIR_ERR_OPERATION_UNSUPPORTED;
}

}  // namespace

// An open connection with its registrations, which hold references of it: they go first.
class Connection::Open {
public:
    using SharedLoss = std::shared_ptr<Loss>;

    [[nodiscard]] static Result<std::shared_ptr<Open>> make(const std::string& uri, const ConnectionSettings& settings,
                                                            const std::shared_ptr<const Listeners>& listeners, const SharedLoss& loss) {
        auto* const raw = ::virConnectOpen(uri.c_str());
        if (raw == nullptr) return libvirt_failure("cannot connect to '" + uri + "'");
        std::shared_ptr<Open> made(new Open(raw));
        // Drivers inside this process need no keepalive and cannot lose their connection.
        if (::virConnectSetKeepAlive(raw, static_cast<int>(settings.keepalive_interval.count()), settings.keepalive_count) < 0 &&
            !unsupported())
            return libvirt_failure("cannot watch the connection to '" + uri + "'");
        TRY(made->watch(loss));
        made->events_ = TRY(EventRegistrations::make(raw, listeners));
        return made;
    }

    ~Open() {
        events_.reset();
        if (watched_) (void)::virConnectUnregisterCloseCallback(connection_, &on_close);  // only an unregistered one would fail
        (void)::virConnectClose(connection_);                                             // nothing more to be done with it
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

    [[nodiscard]] virConnectPtr get() const { return connection_; }

private:
    explicit Open(virConnectPtr connection) : connection_(connection) {}

    static void on_close(virConnectPtr /*connection*/, int reason, void* opaque) {
        auto& loss = **static_cast<SharedLoss*>(opaque);
        const std::scoped_lock lock(loss.mutex);
        loss.why = std::string(reason_text(reason));
        loss.changed.notify_all();
    }

    // The connection is told of no function that frees: drivers that cannot lose their connection take the registration and forget it. When
    // unregistering has returned no call is under way any more: both hold the lock of what was registered (libvirt 9.0, datatypes.c).
    Result<> watch(const SharedLoss& loss) {
        loss_ = loss;
        watched_ = ::virConnectRegisterCloseCallback(connection_, &on_close, &loss_, nullptr) >= 0;
        if (!watched_ && !unsupported()) return libvirt_failure("cannot watch the connection");
        return {};
    }

    virConnectPtr connection_;
    SharedLoss loss_;
    bool watched_ = false;
    std::unique_ptr<EventRegistrations> events_;
};

Connection::Connection(std::string uri, ConnectionSettings settings, std::shared_ptr<const Listeners> listeners)
    : uri_(std::move(uri)), settings_(settings), listeners_(std::move(listeners)), loss_(std::make_shared<Loss>()) {
    (void)connect();  // why it failed is kept, and the thread tries on
    thread_ = std::jthread([this](const std::stop_token& ended) { keep_connected(ended); });
}

Connection::~Connection() = default;

Result<ConnectionHandle> Connection::get() const {
    const std::scoped_lock lock(mutex_);
    if (!open_) return base::fail(base::Errc::Io, "the hypervisor '" + uri_ + "' does not answer: " + why_not_);
    return ConnectionHandle(open_, open_->get());
}

bool Connection::connect() {
    {
        const std::scoped_lock lock(loss_->mutex);
        loss_->why.reset();
    }
    auto opened = Open::make(uri_, settings_, listeners_, loss_);
    {
        const std::scoped_lock lock(mutex_);
        if (!opened) {
            why_not_ = opened.error().message();
            return false;
        }
        open_ = std::move(*opened);
    }
    listeners_->tell(Resynchronise{});
    return true;
}

void Connection::disconnect(const std::string& why) {
    std::shared_ptr<Open> lost;
    {
        const std::scoped_lock lock(mutex_);
        lost = std::exchange(open_, nullptr);
        why_not_ = why;
    }
    listeners_->tell(Disconnected{why});
}

void Connection::keep_connected(const std::stop_token& ended) {
    auto pause = settings_.first_retry;
    bool connected = get().has_value();
    while (!ended.stop_requested()) {
        std::optional<std::string> why;
        {
            std::unique_lock lock(loss_->mutex);
            const auto lost = [this] { return loss_->why.has_value(); };
            if (connected)
                (void)loss_->changed.wait(lock, ended, lost);
            else
                (void)loss_->changed.wait_for(lock, ended, pause, [] { return false; });  // only the end cuts the pause short
            why = std::exchange(loss_->why, std::nullopt);
        }
        if (ended.stop_requested()) return;
        if (connected) disconnect(why.value_or("the connection broke"));
        const bool was_connected = std::exchange(connected, connect());
        pause = connected || was_connected ? settings_.first_retry : std::min(pause * 2, settings_.longest_retry);
    }
}

}  // namespace varve::hypervisor
