// SPDX-License-Identifier: LGPL-2.1-or-later
// The preload queue at work: tells it what happens, and has its actions carried out (docs/preload-queue.md).
#pragma once

#include "orchestrator/preload/preloads.h"
#include "orchestrator/preloading/loop.h"
#include "orchestrator/preloading/stock.h"
#include "orchestrator/preloading/workers.h"

#include <memory>
#include <mutex>

namespace varve::preloading {

struct TemplateStatus {
    base::VmName template_vm;
    std::uint32_t max = 0;
    std::vector<preload::Preloaded> preloads;  // oldest first
    std::string trouble;                       // why the last one failed, or why none is begun; else empty
};
struct Status {
    bool begun = false;
    bool suspended = false;
    bool wants_memory = false;  // some are missing only because there is no memory for them
    std::vector<TemplateStatus> templates;
};

// While memory is short the hypervisor is asked again after this time: other programs free some, too.
inline constexpr std::chrono::seconds between_memory_questions{30};

// What could not be ended, because its hypervisor did not answer or somebody was at it, is tried again after this time.
inline constexpr std::chrono::seconds between_end_tries{30};

// Thread-safe, but for recover(). What it refers to outlives it.
class Preloading {
public:
    // The disposable that the request got, running; none: start a cold one. An error: the orchestrator ends.
    using Answer = std::function<void(base::Result<std::optional<base::VmName>> disposable)>;
    using Done = std::function<void()>;
    // What went wrong and nobody waits for; `about` is a VM, or empty.
    using Report = std::function<void(const std::string& about, const base::Error& error)>;

    Preloading(Loop& loop, definitions::DefinitionStore& store, vm::Machines& machines, Makers& makers, Records records,
               SystemSettings system, Report report);
    // As stop(), and waits for the work that is under way.
    ~Preloading();
    Preloading(const Preloading&) = delete;
    Preloading& operator=(const Preloading&) = delete;

    // Keeps what an earlier orchestrator left ready, and has the rest removed. Blocks: once, before the loop runs and anybody asks.
    void recover();
    // The standard VMs have started. Remembered until the machine is started anew.
    void begin();

    // Answered in any thread, soon: a cold start is always allowed.
    preload::RequestId request(const base::VmName& template_vm, Answer answer);
    // To be told of each request that was to start cold, come of it what may: until then the queue waits with its refill.
    void cold_start_ended(preload::RequestId request);
    // Outdates all of the template, and replaces them at once.
    void refresh(const base::VmName& template_vm);
    // All are removed, then `done` is called; none is made until resume().
    void suspend(Done done);
    void resume();
    // The same for one template, which is about to go or to be one no more; unretire() after that, come of it what may.
    void retire(const base::VmName& template_vm, Done done);
    void unretire(const base::VmName& template_vm);

    // What holds for all templates, from now on.
    void set_system(SystemSettings system);

    // A volume may have another committed state; none: any may.
    void volume_changed(const std::optional<base::VolumeId>& volume);

    // As of a moment ago.
    [[nodiscard]] Status status() const;
    // Whether it is preloaded, or on its way there: nobody's yet.
    [[nodiscard]] bool holds(const base::VmName& vm) const;

    // Whether it is still to be handed out or removed: one that holds() says nothing of any more may be on its way to somebody.
    [[nodiscard]] bool keeps(const base::VmName& vm) const;
    // Called in the loop when it keeps a VM no more: that is somebody's, or gone. Set before the loop runs.
    void on_release(std::function<void(const base::VmName& vm)> listener) { released_ = std::move(listener); }

    // Answers what is open, and takes no more.
    void stop();

private:
    struct Entry {
        Record record;
        std::shared_ptr<Haste> haste = std::make_shared<Haste>();
        bool busy = false;                               // a worker has it
        bool doomed = false;                             // to be ended
        bool stuck = false;                              // could not be: tried again
        bool unknown = false;                            // its hypervisor has not said how it is: heard when it does
        bool visible = false;                            // requested: somebody has it in a moment
        std::optional<preload::RequestId> request = {};  // to be handed over to
        // What the guest did: it ran after its start; then stood still, by us; then ran, by whomever.
        bool ran = false;
        bool armed = false;
        bool resumed = false;
    };
    using Entries = std::map<base::VmName, Entry>;
    // What definitions and mount say.
    struct Question {
        SystemSettings system;
        std::set<base::VmName> retired;
        std::set<base::VmName> known;  // whose content need not be looked at
    };
    struct Stock {
        preload::Settings settings;
        std::map<base::VmName, Inherited> inherited;
        std::map<base::VmName, base::Result<Origin>> origins;
    };
    struct Wait {
        std::optional<base::VmName> template_vm;  // none: all
        Done done;
        bool begun = false;  // nothing more is made
    };
    using WaitId = std::uint64_t;

    // ---- in the loop
    void tell(const preload::Event& event);
    void carry_out(const preload::action::Create& create);
    void carry_out(const preload::action::Remove& remove);
    void carry_out(const preload::action::HandOver& hand_over);
    void carry_out(const preload::action::StartCold& cold);
    void carry_out(const preload::action::BecameUsed& used);
    [[nodiscard]] std::optional<base::VmName> take_name();
    void not_created(const base::VmName& vm, base::Bytes free);
    void created(const base::VmName& vm, const base::Result<>& outcome);
    void settle(Entry& entry);
    void settled(const base::VmName& vm, const base::Result<>& outcome);
    void begin_hand_over(Entry& entry);
    void handed_over(const base::VmName& vm, preload::RequestId request, const base::Result<HandOver>& outcome);
    void use(const base::VmName& vm);
    void release(const base::VmName& vm);
    void end(const std::vector<base::VmName>& vms);
    void ended(const base::VmName& vm, const base::Result<>& outcome);
    void end_again();
    [[nodiscard]] preload::event::Left left_of(const Record& record, vm::VmState state) const;
    void became_known(const base::VmName& vm, Entry& entry, vm::VmState state);
    void heard(const vm::VmEvent& event);
    void heard(const vm::GuestEvent& event);
    void look_again();
    void apply(Stock stock);
    [[nodiscard]] bool outdate_origins(const std::optional<base::VolumeId>& volume);
    void ask_memory();
    void plan_wakeup();
    void woken();
    void publish();
    void check_waits();

    // ---- anywhere
    [[nodiscard]] Stock take_stock(const Question& question) const;
    // None: the orchestrator ends, and it is answered.
    [[nodiscard]] std::optional<WaitId> add_wait(std::optional<base::VmName> template_vm, Done done);
    void begin_wait(WaitId wait);
    void answer(preload::RequestId request, base::Result<std::optional<base::VmName>> outcome);

    Loop& loop_;
    definitions::DefinitionStore& store_;
    vm::Machines& machines_;
    Makers& makers_;
    const Records records_;
    const Report report_;
    const Workers workers_;

    // The loop's alone.
    SystemSettings system_;
    preload::Preloads preloads_;
    Entries entries_;
    preload::Settings settings_;
    std::map<base::VmName, Inherited> inherited_;
    std::map<base::VmName, Origin> origins_;        // of those that some are wanted of
    std::map<base::VmName, std::string> troubles_;  // contents that cannot be found out
    std::set<base::VmName> stale_;                  // to be looked at
    std::set<base::VmName> retired_;
    std::vector<base::VmName> names_;
    bool reserving_ = false;
    bool looking_ = false;
    std::set<std::optional<base::VolumeId>> changed_meanwhile_;  // maybe before it was looked at, maybe after
    bool look_again_ = false;
    bool asking_memory_ = false;
    std::optional<Instant> memory_at_;     // when to ask, while memory is short
    std::optional<Instant> end_again_at_;  // what is stuck
    bool begun_ = false;
    bool suspended_ = false;
    std::function<void(const base::VmName& vm)> released_;

    mutable std::mutex mutex_;  // over everything below
    std::map<preload::RequestId, Answer> answers_;
    preload::RequestId last_request_ = 0;
    std::map<WaitId, Wait> waits_;
    WaitId last_wait_ = 0;
    Status status_;
    std::set<base::VmName> held_;
    std::set<base::VmName> kept_;
    bool stopped_ = false;

    std::unique_ptr<vm::VmSubscription> vms_;
    std::unique_ptr<vm::VmSubscription> guests_;
};

}  // namespace varve::preloading
