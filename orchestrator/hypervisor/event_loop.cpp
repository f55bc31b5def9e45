// SPDX-License-Identifier: LGPL-2.1-or-later
#include "orchestrator/hypervisor/event_loop.h"

#include "orchestrator/hypervisor/libvirt_errors.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <atomic>
#include <thread>

namespace varve::hypervisor {
namespace {

class LoopThread final : public EventLoop {
public:
    LoopThread()
        : thread_([this] {
              while (!ended_)
                  if (::virEventRunDefaultImpl() < 0) break;
          }) {}

    ~LoopThread() override {
        ended_ = true;
        // A timer that is due wakes the loop, which then sees that it has ended.
        const int timer = ::virEventAddTimeout(
            0, [](int, void*) {}, nullptr, nullptr);
        thread_.join();
        if (timer >= 0) (void)::virEventRemoveTimeout(timer);  // nobody calls it any more
    }
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

private:
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

}  // namespace

base::Result<std::unique_ptr<EventLoop>> EventLoop::start() {
    if (::virInitialize() < 0) return libvirt_failure("cannot start libvirt");
    ::virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
    if (::virEventRegisterDefaultImpl() < 0) return libvirt_failure("cannot start libvirt's event loop");
    return std::make_unique<LoopThread>();
}

}  // namespace varve::hypervisor
