// SPDX-License-Identifier: LGPL-2.1-or-later
// What is known of each VM, in memory, and who is doing something with it.
#pragma once

#include "orchestrator/hypervisor/event.h"
#include "orchestrator/vm/machines.h"
#include "orchestrator/vm/wakeup.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace varve::vm {

class Board;

// The right to change one VM's state: one at a time. Released by the destructor. For one thread; the board outlives it.
class Claim {
public:
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim();

    [[nodiscard]] const base::VmName& vm() const { return vm_; }
    [[nodiscard]] VmState state() const;
    void set_state(VmState state, const std::string& reason = {});
    void set_trouble(std::string trouble);

    // The VM's domain from now on; nothing when it has none.
    void set_domain(const std::optional<definitions::Uuid>& domain);
    [[nodiscard]] std::optional<definitions::Uuid> domain() const;
    // Whether that domain was heard to have gone, or its agent to be there.
    [[nodiscard]] bool domain_gone() const;
    [[nodiscard]] bool agent_connected() const;
    // Until something of this may have changed, or a file can be read, or the deadline.
    [[nodiscard]] base::Result<> wait(Deadline deadline, int other = -1) const { return wakeup_.wait(deadline, other); }

private:
    friend class Board;
    Claim(Board& board, base::VmName vm, Wakeup wakeup) : board_(board), vm_(std::move(vm)), wakeup_(std::move(wakeup)) {}

    Board& board_;
    base::VmName vm_;
    Wakeup wakeup_;
};

// Called under the board's lock: it only notes what it is told.
class BoardWatcher {
public:
    BoardWatcher() = default;
    BoardWatcher(const BoardWatcher&) = delete;
    BoardWatcher& operator=(const BoardWatcher&) = delete;
    virtual ~BoardWatcher() = default;
    virtual void changed(const VmEvent& event) = 0;  // in the order of the changes
    // The VM's domain has gone, and nobody has a claim who would deal with that.
    virtual void unattended(const base::VmName& vm) = 0;
};

// Thread-safe.
class Board {
public:
    explicit Board(BoardWatcher& watcher) : watcher_(watcher) {}

    [[nodiscard]] VmInfo info(const base::VmName& vm) const;
    // Busy while somebody else has it, or unless its state is one of these; `what` is what is to be done ("start").
    [[nodiscard]] base::Result<std::unique_ptr<Claim>> claim(const base::VmName& vm, const std::set<VmState>& states,
                                                             std::string_view what);
    // The same for a halted VM, but waits for a shutdown that is under way.
    [[nodiscard]] base::Result<std::unique_ptr<Claim>> claim_halted(const base::VmName& vm, std::string_view what, Deadline deadline);
    // Waits for others to be done with it first; TimedOut. The state is not looked at.
    [[nodiscard]] base::Result<std::unique_ptr<Claim>> claim_any(const base::VmName& vm, Deadline deadline);
    // As claim(), but waits for others to be done with it first; TimedOut.
    [[nodiscard]] base::Result<std::unique_ptr<Claim>> claim_after_others(const base::VmName& vm, const std::set<VmState>& states,
                                                                          std::string_view what, Deadline deadline);
    // Whether the VM comes into one of these states and nobody has it, before the deadline; its state then, or the last one.
    [[nodiscard]] VmState wait_for(const base::VmName& vm, const std::set<VmState>& states, Deadline deadline) const;

    [[nodiscard]] std::optional<base::VmName> vm_of(const definitions::Uuid& domain) const;

    // What a hypervisor told. Domains that are nobody's are left out.
    void domain_stopped(const definitions::Uuid& domain);
    void domain_paused(const definitions::Uuid& domain, const std::string& why);
    void domain_trouble(const definitions::Uuid& domain, const std::string& what);
    void domain_resumed(const definitions::Uuid& domain);
    void agent_changed(const definitions::Uuid& domain, bool connected);

    // A domain that a VM had at some moment: the next one of the same VM has the same UUID.
    struct HadDomain {
        base::VmName vm;
        definitions::Uuid domain;
        std::uint64_t which;  // of all
    };
    [[nodiscard]] std::vector<HadDomain> domains_of(const std::set<base::VmName>& vms) const;
    // It was looked for later, and not there.
    void not_there(const HadDomain& had);
    // Whoever waits for something of these VMs looks again.
    void wake(const std::set<base::VmName>& vms) const;

    void forget(const base::VmName& vm);

private:
    friend class Claim;
    struct Row {
        VmState state = VmState::Halted;
        std::optional<definitions::Uuid> domain;
        std::uint64_t which_domain = 0;
        bool gone = false;
        bool agent = false;
        std::string trouble;
        const Claim* claim = nullptr;
    };

    [[nodiscard]] base::Result<std::unique_ptr<Claim>> give(const base::VmName& vm, Row& row);
    void set_state(const base::VmName& vm, Row& row, VmState state, const std::string& reason);
    [[nodiscard]] std::map<base::VmName, Row>::iterator with_domain(const definitions::Uuid& domain);
    void release(const base::VmName& vm);

    void gone(const base::VmName& vm, Row& row);
    void unattended(const base::VmName& vm, Row& row);

    BoardWatcher& watcher_;
    mutable std::mutex mutex_;
    mutable std::condition_variable moved_;  // a state or a claim has changed
    // Under the mutex.
    std::map<base::VmName, Row> rows_;
    std::uint64_t domains_ = 0;  // that there were
};

}  // namespace varve::vm
